import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET, type OriginId } from '../../../src/base/ids.js';
import type { Stamp } from '../../../src/data/stamp.js';
import type { Batch } from '../../../src/replica/batch.js';
import { verifyStore } from '../../../src/storage/disk/verify.js';
import { isSound } from '../../../src/data/entry.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import type { Storage } from '../../../src/storage/storage.js';
import { temporaryFolder } from './folder.js';
import { spoil, withRawTables } from './raw-file.js';
import { fill, ORIGIN, OTHER_BUCKET } from './writes.js';

const folder = temporaryFolder();
const open = (): Promise<Storage> => openLmdb({ directory: folder(), newId: nanoid });

async function filled(): Promise<void> {
  const storage = await open();
  await fill(storage);
  await storage.close();
}

const isRowOf =
  (key: string) =>
  (bytes: Buffer): boolean =>
    bytes.readUInt16BE(0) === 0 && bytes.subarray(2).toString() === key;

describe('a row whose bytes have changed', () => {
  test.each([
    ['an empty row', () => Buffer.alloc(0)],
    ['a format of its own', (row: Buffer) => Buffer.concat([Buffer.of(9), row.subarray(1)])],
    ['half a row', (row: Buffer) => row.subarray(0, 20)],
    ['an origin that nobody has', (row: Buffer) => row.fill(0xee, 2, 6)],
    ['a seq beyond all numbers', (row: Buffer) => row.fill(0xff, 6, 14)],
  ])('%s of a cell comes as an entry with an empty digest', async (_, change) => {
    await filled();
    await withRawTables(folder(), (table) => spoil(table('entries'), isRowOf('key 3'), change));
    const storage = await open();
    try {
      const [entry, ...more] = storage.get(DEFAULT_BUCKET, 'key 3');
      expect(entry).toMatchObject({ key: 'key 3', value: null, digest: Buffer.alloc(0) });
      expect(more).toEqual([]);
      expect([...storage.cells(DEFAULT_BUCKET, {})].flat().filter((each) => !isSound(each))).toEqual([entry]);
      // It can be taken out like any other, and what is not damaged counts.
      const puts = [
        { bucket: DEFAULT_BUCKET, key: 'key 3', before: storage.get(DEFAULT_BUCKET, 'key 3'), after: [] },
      ];
      const nothing = { vectors: [], floors: [], totals: [], damages: [], members: [] };
      storage.commit({ puts, ...nothing });
      await storage.flushed();
      expect(storage.get(DEFAULT_BUCKET, 'key 3')).toEqual([]);
    } finally {
      await storage.close();
    }
  });

  test('a row of the dot index that makes no sense is passed over, and so is one of the range sums', async () => {
    await filled();
    const read = async (): Promise<[number[], number[]]> => {
      const storage = await open();
      const dots = storage.dots(DEFAULT_BUCKET, ORIGIN, 1, 99_999, 'rising');
      const ranges = storage.ranges(DEFAULT_BUCKET, ORIGIN, 1, 0, 99_999);
      const found: [number[], number[]] = [
        Array.from(dots, ({ seq }) => seq),
        Array.from(ranges, ({ index }) => index),
      ];
      await storage.close();
      return found;
    };
    const [[seq = 0, ...seqs], [index = 0, ...indexes]] = await read();
    await withRawTables(folder(), async (table) => {
      // The bucket is the first, the origin the second that was written down.
      const start = Buffer.of(0, 0, 0, 0, 0, 1);
      const uint64 = Buffer.alloc(8);
      uint64.writeBigUInt64BE(BigInt(seq));
      const dot = Buffer.concat([start, uint64]);
      await spoil(
        table('dots'),
        (key) => key.equals(dot),
        () => Buffer.alloc(3),
      );
      uint64.writeBigUInt64BE(BigInt(index));
      const block = Buffer.concat([start, Buffer.of(1), uint64]);
      await spoil(
        table('ranges'),
        (key) => key.equals(block),
        () => Buffer.alloc(5),
      );
    });
    expect(await read()).toEqual([seqs, indexes]);
  });

  test.each(['dots', 'tombstones', 'ranges'] as const)(
    'one bit in a row of %s: it is passed over, told of once, taken out, and its bucket is counted anew',
    async (name) => {
      await filled();
      // The first one is of the first bucket: in its key, its row or its checksum.
      const [{ key, value } = none()] = await withRawTables(folder(), (table) => table(name).raw());
      for (const at of [0, value.length - 1]) {
        const changed = Buffer.from(value);
        changed[at] = (changed[at] ?? 0) ^ 16;
        await withRawTables(folder(), (table) => table(name).putRaw(key, changed));
        const before = await withRawTables(folder(), (table) => table(name).raw().length);
        const storage = await open();
        const told: unknown[] = [];
        storage.onDamage((bucket) => told.push(bucket));
        expect(storage.initial.buckets.get(DEFAULT_BUCKET)?.isUnsettled).toBe(false);
        expect(rowsRead(storage, name)).toBe(rowsRead(storage, name));
        expect(told).toEqual([]);
        await nextTurn();
        expect(told).toEqual([DEFAULT_BUCKET]);
        storage.commit({ ...NOTHING, clock: 1n as Stamp });
        await storage.flushed();
        rowsRead(storage, name);
        await nextTurn();
        expect(told).toEqual([DEFAULT_BUCKET]);
        await storage.close();
        expect(await withRawTables(folder(), (table) => table(name).raw().length)).toBe(before - 1);
        const next = await open();
        expect(next.initial.buckets.get(DEFAULT_BUCKET)?.isUnsettled).toBe(true);
        next.commit({
          ...NOTHING,
          damages: [{ bucket: DEFAULT_BUCKET, set: [], cleared: [], isUnsettled: false }],
        });
        await next.close();
      }
    },
  );

  test.each([
    ['dots', OTHER_BUCKET],
    ['tombstones', DEFAULT_BUCKET],
    ['ranges', OTHER_BUCKET],
    ['state', undefined],
  ] as const)('one bit in a row of %s that nobody reads: it is found all the same', async (name, bucket) => {
    await filled();
    const spoilLast = (): Promise<void> =>
      withRawTables(folder(), async (table) => {
        const { key, value } =
          table(name)
            .raw()
            .findLast((row) => row.key[0] !== 'm'.charCodeAt(0)) ?? none();
        await table(name).putRaw(key, Buffer.concat([Buffer.of((value[0] ?? 0) ^ 1), value.subarray(1)]));
      });
    if (name !== 'state') await spoilLast();
    const storage = await openLmdb({ directory: folder(), newId: nanoid, scrubMs: 1 });
    // Of a store with a damaged state nothing is opened, so that it is spoilt while it is open.
    if (name === 'state') await spoilLast();
    expect(await new Promise((resolve) => storage.onDamage(resolve))).toBe(bucket);
    await storage.close();
  });

  test('a row in the place of another', async () => {
    await filled();
    await withRawTables(folder(), async (table) => {
      const [first = none(), second = none()] = table('dots').raw();
      await table('dots').putRaw(first.key, second.value);
    });
    const { problems = [] } = (await verifyStore(folder())).buckets[DEFAULT_BUCKET] ?? {};
    expect(problems.map(({ kind }) => kind).sort()).toEqual(['dot-missing', 'row-damaged']);
  });

  test('one bit in a row of the state: the store is not opened, nothing in it is taken for true', async () => {
    await filled();
    const rows = await withRawTables(folder(), (table) => table('state').raw());
    expect(rows.length).toBeGreaterThan(8);
    for (const { key, value } of rows) {
      const changed = Buffer.from(value);
      changed[0] = (changed[0] ?? 0) ^ 1;
      await withRawTables(folder(), (table) => table('state').putRaw(key, changed));
      await expect(open()).rejects.toMatchObject({ code: 'DISK_FAILED' });
      await withRawTables(folder(), (table) => table('state').putRaw(key, value));
    }
    await (await open()).close();
  });
});

const NOTHING: Batch = { puts: [], vectors: [], floors: [], totals: [], damages: [], members: [] };

function rowsRead(storage: Storage, name: 'dots' | 'tombstones' | 'ranges'): number {
  const all = [DEFAULT_BUCKET, ORIGIN] as const;
  const others = [DEFAULT_BUCKET, 'B'.repeat(21) as OriginId] as const;
  let count = 0;
  for (const [bucket, origin] of [all, others]) {
    if (name === 'dots') count += [...storage.dots(bucket, origin, 1, 99_999, 'rising')].length;
    if (name === 'tombstones') count += [...storage.tombstones(bucket, origin, 1, 99_999)].length;
    for (const level of [0, 1, 2] as const)
      if (name === 'ranges') count += [...storage.ranges(bucket, origin, level, 0, 99_999)].length;
  }
  return count;
}

function none(): never {
  throw new Error('there is no row');
}
