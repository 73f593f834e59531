import { describe, expect, test } from '@jest/globals';
import { Reader } from '../../../src/api/reader.js';
import { toText, utf8 } from '../../../src/base/bytes.js';
import type { BucketName, OriginId } from '../../../src/base/ids.js';
import type { Cell } from '../../../src/data/cell.js';
import { type Entry, sealEntry } from '../../../src/data/entry.js';
import { memberKey } from '../../../src/data/policies/set.js';
import type { PolicyName } from '../../../src/data/policy.js';
import { stampAt } from '../../../src/data/stamp.js';
import { openBucket } from '../../../src/replica/bucket.js';
import type { KeyRange, View } from '../../../src/replica/view.js';

const ORIGIN = 'origin-00000000000000' as OriginId;
let seq = 0;
const write = (key: string, value: string): Entry =>
  sealEntry({ origin: ORIGIN, seq: ++seq, stamp: stampAt(seq), key, value: utf8(value) });

/** As the row was after a bit of its value flipped. */
const damaged = (entry: Entry): Entry => ({ ...entry, value: utf8('"rot"') });

/** The part of a view that readers use, over these cells in the order of their keys. */
function viewOf(cells: readonly Cell[]): View {
  const isWithin = ({ prefix = '', after = '' }: KeyRange, key = ''): boolean =>
    key.startsWith(prefix) && key > after;
  return {
    get: (_bucket, key) => cells.find(([first]) => first?.key === key) ?? [],
    cells: (_bucket, range) => cells.filter(([first]) => isWithin(range, first?.key)),
    dots: () => [],
    tombstones: () => [],
    ranges: () => [],
  };
}

function open(policy: PolicyName, cells: readonly Cell[]) {
  const found: string[] = [];
  const bucket = openBucket('b' as BucketName, policy, undefined);
  const reader = new Reader(viewOf(cells), (_bucket, key) => found.push(key));
  return { reader, bucket, found };
}

describe('a damaged row', () => {
  const refusal = expect.objectContaining({ code: 'DISK_FAILED', hint: expect.any(String) });

  test('is reported and not shown', async () => {
    const { reader, bucket, found } = open('lww', [
      [write('a', '1')],
      [damaged(write('b', '2'))],
      [write('c', '3')],
    ]);
    expect(() => reader.read(bucket, 'b')).toThrow(refusal);
    expect(found).toEqual(['b']);
    expect((await reader.scan(bucket, { limit: 10 })).rows.map(({ key }) => key)).toEqual(['a', 'c']);
    expect(found).toEqual(['b', 'b']);
  });

  test('is reported in siblings and sets too', () => {
    const beside = open('siblings', [[write('k', '1'), damaged(write('k', '2'))]]);
    expect(() => beside.reader.siblings(beside.bucket, 'k')).toThrow(refusal);
    const [x, y] = ['x', 'y'].map((member) => memberKey('k', member));
    const set = open('set', [[damaged(write(x ?? '', 'true'))], [write(y ?? '', 'true')]]);
    expect(set.reader.members(set.bucket, 'k', { limit: 10 })).toEqual({ rows: ['y'] });
    expect(set.found).toEqual([x]);
  });

  test('that was taken out already does not pass for a key that is not there', () => {
    const { reader, bucket, found } = open('lww', []);
    bucket.damages.set(`${ORIGIN}.1`, { key: 'k', origin: ORIGIN, seq: 1 });
    expect(() => reader.read(bucket, 'k')).toThrow(refusal);
    expect(reader.read(bucket, 'other')).toBeUndefined();
    expect(found).toEqual([]);
  });
});

describe('bounds', () => {
  test('a set too large for one value is read in pages', async () => {
    const member = 'm'.repeat(1000);
    const cells = Array.from({ length: 9000 }, (_, i): Cell => [
      write(memberKey('k', String(i).padStart(4, '0') + member), 'true'),
    ]);
    const { reader, bucket } = open('set', cells);
    const tooLarge = expect.objectContaining({ code: 'VALUE_TOO_LARGE' });
    await expect(reader.read(bucket, 'k')).rejects.toEqual(tooLarge);
    await expect(reader.scan(bucket, { limit: 10 })).rejects.toEqual(tooLarge);
    expect(reader.scan(bucket, { limit: 10, keysOnly: true })).toMatchObject({ rows: [{ key: 'k' }] });
    const first = reader.members(bucket, 'k', { limit: 10_000 });
    expect(first.rows.length).toBeGreaterThan(8000);
    expect(first.after).toBe(first.rows.at(-1));
    const rest = reader.members(bucket, 'k', { limit: 10_000, after: first.after ?? '' });
    expect([rest.after, first.rows.length + rest.rows.length]).toEqual([undefined, 9000]);
  });

  test('values that are read count, also where only keys are wanted', async () => {
    const cells = ['a', 'b', 'c'].map((key): Cell => [write(key, `"${'x'.repeat(100)}"`)]);
    const { reader, bucket } = open('lww', cells);
    const { rows, after } = await reader.scan(bucket, { limit: 10, maxBytes: 250, keysOnly: true });
    expect([rows.map(({ key, value }) => [key, toText(value)]), after]).toEqual([
      [
        ['a', ''],
        ['b', ''],
      ],
      'b',
    ]);
  });
});
