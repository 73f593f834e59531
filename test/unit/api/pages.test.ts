import { describe, expect, test } from '@jest/globals';
import { PASSED_AT_ONCE } from '../../../src/api/page.js';
import { closedError } from '../../../src/api/closed.js';
import { Reader } from '../../../src/api/reader.js';
import type { ScanRange, Page, Row } from '../../../src/api/service.js';
import { CELLS_A_TURN } from '../../../src/api/slow-reads.js';
import { toText, utf8 } from '../../../src/base/bytes.js';
import type { RumeurError } from '../../../src/base/errors.js';
import type { BucketName, OriginId } from '../../../src/base/ids.js';
import type { Cell } from '../../../src/data/cell.js';
import { sealEntry } from '../../../src/data/entry.js';
import { memberKey } from '../../../src/data/policies/set.js';
import type { PolicyName } from '../../../src/data/policy.js';
import { stampAt } from '../../../src/data/stamp.js';
import { openBucket } from '../../../src/replica/bucket.js';
import type { View } from '../../../src/replica/view.js';

const ORIGIN = 'origin-00000000000000' as OriginId;

/** The keys in order, and the value of each: `null` for a deleted one. */
type Content = readonly (readonly [key: string, value: string | null])[];

function firstAtOrAbove(cells: readonly Cell[], key: string): number {
  let low = 0;
  for (let high = cells.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((cells[middle]?.[0]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A reader over this, and the most cells that it looked at in one turn of the event loop. */
function open(policy: PolicyName, content: Content) {
  const cells = content.map(([key, value], i): Cell => [
    sealEntry({
      origin: ORIGIN,
      seq: i + 1,
      stamp: stampAt(i + 1),
      key,
      value: value === null ? null : utf8(value),
    }),
  ]);
  const looked = { inThisTurn: 0, most: 0 };
  const view: View = {
    get: (_bucket, key) => cells.find(([first]) => first?.key === key) ?? [],
    *cells(_bucket, { prefix = '', after = '' }) {
      const from = after > prefix ? after : prefix;
      for (let i = firstAtOrAbove(cells, from); i < cells.length; i++) {
        const cell = cells[i] ?? [];
        const { key } = cell[0] ?? { key: '' };
        if (key <= after) continue;
        if (!key.startsWith(prefix)) return;
        if (looked.inThisTurn++ === 0) setImmediate(() => (looked.inThisTurn = 0));
        looked.most = Math.max(looked.most, looked.inThisTurn);
        yield cell;
      }
    },
    dots: () => [],
    tombstones: () => [],
    ranges: () => [],
  };
  let closed: RumeurError | undefined;
  return {
    reader: new Reader(
      view,
      () => undefined,
      () => closed,
    ),
    close: () => void (closed = closedError()),
    bucket: openBucket('b' as BucketName, policy, undefined),
    looked,
  };
}

const named = (count: number, name: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => name(i));
const digits = (i: number): string => String(i).padStart(6, '0');
const dead = (keys: readonly string[]): Content => keys.map((key) => [key, null]);

/** Follows the pages to the end. */
async function pagesOf<T>(read: (after?: string) => Page<T> | Promise<Page<T>>): Promise<(readonly T[])[]> {
  const pages: (readonly T[])[] = [];
  let after: string | undefined;
  do {
    const page: Page<T> = await read(after);
    pages.push(page.rows);
    ({ after } = page);
    await new Promise((resolve) => setImmediate(resolve));
  } while (after !== undefined);
  return pages;
}

const shown = ({ key, value }: Row): string => `${key}=${toText(value)}`;

describe('a list with very many deleted keys in it', () => {
  const gone = 3 * PASSED_AT_ONCE;
  const content: Content = [['a', '1'], ...dead(named(gone, (i) => `d${digits(i)}`)), ['e', '2'], ['f', '3']];

  test.each(['lww', 'siblings', 'counter'] as const)(
    'is read in parts, in a bucket with %s',
    async (policy) => {
      const isCounter = policy === 'counter';
      const { reader, bucket, looked } = open(
        policy,
        isCounter ? content.map(([key, v]) => [key, v && `[${v},0]`]) : content,
      );
      const range: ScanRange = { limit: 1000 };
      const pages = await pagesOf((after) =>
        reader.scan(bucket, after === undefined ? range : { ...range, after }),
      );
      expect(pages.map((rows) => rows.map(shown))).toEqual([['a=1'], [], ['e=2', 'f=3']]);
      expect(looked.most).toBeLessThanOrEqual(PASSED_AT_ONCE + 4);
    },
  );

  test('goes on where the rows end when it is cut at its limit', async () => {
    const { reader, bucket } = open('lww', [
      ['a', '1'],
      ['b', '2'],
      ['c', null],
      ['d', '3'],
    ]);
    expect(await reader.scan(bucket, { limit: 2 })).toMatchObject({
      rows: [{ key: 'a' }, { key: 'b' }],
      after: 'c',
    });
    const rest = await reader.scan(bucket, { limit: 2, after: 'c' });
    expect(rest).toEqual({ rows: [expect.objectContaining({ key: 'd' })] });
  });

  test('has no further page when nothing but deleted keys follows', async () => {
    const { reader, bucket } = open('lww', [
      ['a', '1'],
      ['b', null],
    ]);
    expect(await reader.scan(bucket, { limit: 1 })).toEqual({
      rows: [expect.objectContaining({ key: 'a' })],
    });
  });
});

describe('a set with very many removed members', () => {
  const gone = 3 * CELLS_A_TURN;
  const content: Content = [
    [memberKey('k', 'a'), 'true'],
    ...dead(named(gone, (i) => memberKey('k', `m${digits(i)}`))),
    [memberKey('k', 'z'), 'true'],
    ...dead(named(gone, (i) => memberKey('l', digits(i)))),
    [memberKey('l', 'z'), 'true'],
    [memberKey('m', 'x'), 'true'],
  ];

  test('shows its members in parts', async () => {
    const { reader, bucket, looked } = open('set', content);
    const pages = await pagesOf((after) =>
      reader.members(bucket, 'k', after === undefined ? { limit: 10 } : { limit: 10, after }),
    );
    expect(pages).toEqual([['a'], [], ['z']]);
    expect(looked.most).toBeLessThanOrEqual(PASSED_AT_ONCE + 2);
  });

  test('comes once in the list of keys, also where a page ends in the middle of it', async () => {
    const { reader, bucket, looked } = open('set', content);
    const range: ScanRange = { limit: 10, keysOnly: true };
    const pages = await pagesOf((after) =>
      reader.scan(bucket, after === undefined ? range : { ...range, after }),
    );
    expect(pages.flat().map(({ key }) => key)).toEqual(['k', 'l', 'm']);
    expect(pages.length).toBeGreaterThan(2);
    expect(looked.most).toBeLessThanOrEqual(PASSED_AT_ONCE + 4);
  });

  test('is one value all the same, read in several turns', async () => {
    const { reader, bucket, looked } = open('set', content);
    const value = reader.read(bucket, 'k');
    expect(value).toBeInstanceOf(Promise);
    expect(toText((await value) ?? utf8(''))).toBe('["a","z"]');
    const rows = await pagesOf((after) =>
      reader.scan(bucket, after === undefined ? { limit: 10 } : { limit: 10, after }),
    );
    expect(rows.flat().map(shown)).toEqual(['k=["a","z"]', 'l=["z"]', 'm=["x"]']);
    // The keys are looked for first, then the members of each are read.
    expect(looked.most).toBeLessThanOrEqual(PASSED_AT_ONCE + CELLS_A_TURN + 10);
  });

  test('many small ones take several turns as well', async () => {
    const many = named(3 * CELLS_A_TURN, (i) => memberKey(digits(i), 'x'));
    const { reader, bucket, looked } = open(
      'set',
      many.map((key) => [key, 'true']),
    );
    const { rows } = await reader.scan(bucket, { limit: 2.5 * CELLS_A_TURN });
    expect(rows).toHaveLength(2.5 * CELLS_A_TURN);
    // All keys in the first turn, as many as were asked for.
    expect(looked.most).toBeLessThanOrEqual(3.5 * CELLS_A_TURN + 4);
  });

  test('a small set is there at once', () => {
    const { reader, bucket } = open('set', content);
    expect(toText((reader.read(bucket, 'm') as Uint8Array | undefined) ?? utf8(''))).toBe('["x"]');
    expect(reader.read(bucket, 'none')).toBeUndefined();
  });

  test('of reads that take several turns only so many are let in', async () => {
    const { reader, bucket } = open('set', content);
    const reads = Array.from({ length: 16 }, () => reader.read(bucket, 'k'));
    expect(() => reader.read(bucket, 'k')).toThrow(
      expect.objectContaining({ code: 'OVERLOADED', hint: expect.stringContaining('smembers') }),
    );
    expect(toText((reader.read(bucket, 'm') as Uint8Array | undefined) ?? utf8(''))).toBe('["x"]');
    for (const read of reads) await read;
    expect(toText((await reader.read(bucket, 'k')) ?? utf8(''))).toBe('["a","z"]');
  });

  test('a read that is still under way when the peer is closed fails', async () => {
    const { reader, bucket, close } = open('set', content);
    const value = reader.read(bucket, 'k');
    close();
    await expect(value).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  });
});
