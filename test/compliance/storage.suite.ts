import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DEFAULT_BUCKET, type BucketName, type OriginId, type PeerId } from '../../src/base/ids.js';
import type { Cell } from '../../src/data/cell.js';
import { type Entry, sealEntry } from '../../src/data/entry.js';
import { Fingerprint } from '../../src/data/fingerprint.js';
import type { Stamp } from '../../src/data/stamp.js';
import { VersionVector } from '../../src/data/version-vector.js';
import type { MemberRecord } from '../../src/protocol/members.js';
import { RANGE_SHIFTS } from '../../src/protocol/ranges.js';
import type { Batch, SumExcess } from '../../src/replica/batch.js';
import type { RangeLevel } from '../../src/replica/view.js';
import type { Storage } from '../../src/storage/storage.js';
import { BUCKETS, expectSame, KEYS, ORIGINS } from './storage.checks.js';
import { comparable, type Op, StoreModel } from './storage.model.js';
import { randomBatches } from './storage.random.js';

/** One store at a time: `open` a new one, close and open it again, throw away what is left of it. */
export interface StorageUnderTest {
  open(): Promise<Storage>;
  /** Closes the store in order and opens the same data again. */
  reopen(storage: Storage): Promise<Storage>;
  /** Closes the store where that has not happened, and removes its data. */
  dispose(storage: Storage): Promise<void>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const [BUCKET, ORIGIN, OTHER] = [DEFAULT_BUCKET, ORIGINS[0] as OriginId, ORIGINS[1] as OriginId];
const op = (key: string, value: string | null, more: Partial<Op> = {}): Op => ({
  bucket: BUCKET,
  origin: ORIGIN,
  key,
  value: value === null ? null : bytes(value),
  ...more,
});
const NOTHING: Batch = { puts: [], vectors: [], floors: [], totals: [], damages: [], members: [] };

/**
 * Everything that a Storage promises, for any engine.
 * @param randomRuns how many random histories it goes through
 */
export function storageCompliance(
  name: string,
  engine: () => Promise<StorageUnderTest>,
  randomRuns = 40,
): void {
  describe(`${name} storage`, () => {
    let under: StorageUnderTest;
    let storage: Storage;
    let model: StoreModel;

    const commit = (...ops: Op[]): void => storage.commit(model.batch(ops));

    beforeEach(async () => {
      under = await engine();
      storage = await under.open();
      model = new StoreModel();
    });
    afterEach(() => under.dispose(storage));

    test('a new store is empty', () => {
      expect(storage.provenance).toBe('new');
      expect(comparable(storage.initial)).toEqual({ clock: 0n, buckets: [] });
      expect(storage.initial.addresses).toEqual([]);
      expect(storage.backlog).toBe(0);
      expectSame(storage, model);
    });

    test('a batch is visible when commit returns, and after it has gone to the disk', async () => {
      commit(op('a', '1'), op('b', '2'));
      expectSame(storage, model);
      await storage.flushed();
      expect(storage.backlog).toBe(0);
      expectSame(storage, model);
    });

    test('a write moves the row of the dot index, a tombstone stays as an entry', async () => {
      commit(op('a', '1'), op('b', '2'));
      await storage.flushed();
      commit(op('a', '3', { origin: OTHER }), op('b', null));
      expect([...storage.dots(BUCKET, ORIGIN, 1, 9, 'rising')].map((row) => row.seq)).toEqual([3]);
      expect([...storage.tombstones(BUCKET, ORIGIN, 1, 9)].map((row) => row.seq)).toEqual([3]);
      expect(storage.get(BUCKET, 'b')[0]?.value).toBeNull();
      expectSame(storage, model);
      await storage.flushed();
      expectSame(storage, model);
    });

    test('batches on the way that touch the same key: the last one stands, all the time', async () => {
      for (let round = 0; round < 20; round++) {
        commit(op('a', `first ${round}`), op('b', `${round}`));
        commit(op('a', `second ${round}`));
        const written = storage.flushed();
        await nextTurn();
        commit(op('a', `third ${round}`));
        expectSame(storage, model, [{}]);
        await written;
        expectSame(storage, model, [{}]);
      }
      await storage.flushed();
      expectSame(storage, model);
    });

    test('keys come in the order of their bytes', async () => {
      for (const key of [...KEYS].reverse()) commit(op(key, key.slice(0, 3)));
      expectSame(storage, model);
      await storage.flushed();
      expectSame(storage, model);
      for (const key of KEYS) commit(op(key, 'again'));
      expectSame(storage, model);
    });

    test('a scan that is given up leaves nothing behind', async () => {
      commit(...KEYS.map((key) => op(key, '1')));
      await storage.flushed();
      for (let round = 0; round < 50; round++) {
        for (const cell of storage.cells(BUCKET, {})) if (cell[0]?.key === 'ab') break;
        for (const range of storage.ranges(BUCKET, ORIGIN, 0, 0, 99)) if (range.index >= 0) break;
        for (const row of storage.dots(BUCKET, ORIGIN, 1, 99, 'falling')) if (row.seq % 3 === 0) break;
        commit(op('ab', `${round}`));
        if (round % 7 === 0) await storage.flushed();
      }
      expectSame(storage, model);
    });

    test('values of any size come back exactly, and stay as they were read', async () => {
      const sizes = [0, 1, 100, 4000, 40_000, 1_048_576, 33_000];
      const values = sizes.map((size, i) => Buffer.alloc(size, i + 1));
      values.forEach((value, i) =>
        commit(op(KEYS[i] as string, null), op(KEYS[i] as string, null, { value })),
      );
      const read = (): Uint8Array[] =>
        values.map((_, i) => storage.get(BUCKET, KEYS[i] as string)[0]?.value as Uint8Array);
      const before = read();
      await storage.flushed();
      const after = read();
      const scanned = [...storage.cells(BUCKET, {})].flat();
      commit(...values.map((_, i) => op(KEYS[i] as string, 'other')));
      await storage.flushed();
      values.forEach((value, i) => {
        expect(Buffer.compare(value, before[i] as Uint8Array)).toBe(0);
        expect(Buffer.compare(value, after[i] as Uint8Array)).toBe(0);
        const entry = scanned.find(({ key }) => key === KEYS[i]);
        expect(Buffer.compare(value, entry?.value as Uint8Array)).toBe(0);
      });
    });

    test('flushes are shared, and there is nothing to wait for when nothing is on the way', async () => {
      await Promise.all([storage.committed(), storage.flushed()]);
      for (let i = 0; i < 300; i++) commit(op(`key ${i % 10}`, `${i}`));
      await Promise.all(Array.from({ length: 300 }, () => storage.flushed()));
      expect(storage.backlog).toBe(0);
      expect([...storage.cells(BUCKET, { prefix: 'key' })]).toHaveLength(10);
    });

    test('what was stored is there when it is opened again', async () => {
      const addresses = [
        { url: 'http://a:1', source: 'added', id: 'P'.repeat(21) as PeerId, removed: true },
      ] as const;
      commit(op('a', '1'), op('b', null), op('a', '2', { bucket: BUCKETS[1] as BucketName }));
      storage.commit({ ...NOTHING, addresses });
      await storage.flushed();
      commit(op('c', '3', { origin: ORIGINS[2] as OriginId }));
      const { peerId, origin } = storage.initial;
      storage = await under.reopen(storage);
      expect(storage.provenance).toBe('untouched');
      expect(storage.initial).toMatchObject({ peerId, origin, addresses });
      expect(comparable(storage.initial)).toEqual(model.stored());
      expectSame(storage, model);
    });

    test('a changed origin is that of the next run', async () => {
      const origin = 'N'.repeat(21) as OriginId;
      storage.commit({ ...NOTHING, origin });
      storage = await under.reopen(storage);
      expect(storage.initial.origin).toBe(origin);
    });

    test('its sizes are those of what is in it, and grow with that', async () => {
      const before = storage.sizes();
      if (before === undefined) return;
      commit(...KEYS.map((key) => op(key, 'v'.repeat(30_000))));
      await storage.flushed();
      const { fileBytes, liveBytes, freeBytes } = storage.sizes() ?? before;
      expect(liveBytes - before.liveBytes).toBeGreaterThanOrEqual(KEYS.length * 30_000);
      expect(fileBytes).toBeGreaterThanOrEqual(liveBytes);
      expect(freeBytes).toBeLessThanOrEqual(fileBytes - liveBytes);
    });

    test('a closed store takes nothing; closing it again does nothing', async () => {
      await storage.close();
      await storage.close();
      expect(() => commit(op('a', '1'))).toThrow('closed');
    });

    test('entries stand side by side, each with its context, and go one by one', async () => {
      const [a, b] = [op('a', '1', { origin: OTHER }), op('a', '2', { kind: 'beside', hasContext: true })];
      commit(a, b, op('a', null, { kind: 'beside', hasContext: true }), op('b', '1', { hasContext: true }));
      expect(storage.get(BUCKET, 'a')).toHaveLength(3);
      // A context without dots is another content than none.
      expect(storage.get(BUCKET, 'b')[0]?.context?.size).toBe(0);
      expectSame(storage, model);
      await storage.flushed();
      expectSame(storage, model);
      commit(op('a', '3', { origin: OTHER, hasContext: true }), op('b', '', { kind: 'drop' }));
      expectSame(storage, model);
      storage = await under.reopen(storage);
      expectSame(storage, model);
    });

    test('range sums count what is written, on its way and on the disk, once', async () => {
      for (let round = 0; round < 60; round++) {
        commit(
          ...KEYS.map((key, i) => op(key, round % 5 === i ? null : `${round}`, { skip: (round * i) % 90 })),
        );
        if (round % 3 === 0) void storage.flushed();
        await (round % 4 === 0 ? storage.flushed() : setTimeout(round % 3));
        expectSame(storage, model, []);
      }
    });

    test('a cell that is gone leaves no row behind', async () => {
      commit(op('a', '1'), op('b', null));
      await storage.flushed();
      commit(op('a', '', { kind: 'drop' }), op('b', '', { kind: 'drop' }));
      await storage.flushed();
      expect([...storage.cells(BUCKET, {})]).toEqual([]);
      expect([...storage.dots(BUCKET, ORIGIN, 1, 9, 'rising')]).toEqual([]);
      expect([...storage.tombstones(BUCKET, ORIGIN, 1, 9)]).toEqual([]);
      expect([...storage.ranges(BUCKET, ORIGIN, 2, 0, 9)]).toEqual([]);
      expectSame(storage, model);
    });

    test('a damaged entry that is taken out takes no row of another key along', async () => {
      commit(op('a', '1'), op('b', '2'));
      await storage.flushed();
      const [entry] = storage.get(BUCKET, 'a') as [Entry];
      const stray = (seq: number, digest: Uint8Array): Cell => [{ ...entry, seq, digest }];
      const damaged = { bucket: BUCKET, key: 'a', before: stray(2, entry.digest), after: [] };
      storage.commit({ ...NOTHING, puts: [damaged] });
      const dots = (): string[] =>
        [...storage.dots(BUCKET, ORIGIN, 1, 9, 'rising')].map(({ seq, key }) => `${seq} ${key}`);
      expect(storage.get(BUCKET, 'a')).toEqual([]);
      expect(dots()).toEqual(['1 a', '2 b']);
      // A row of the index that leads nowhere goes with an entry that has its dot and no digest.
      const before = stray(1, new Uint8Array(0));
      storage.commit({ ...NOTHING, puts: [{ bucket: BUCKET, key: 'a', before, after: [] }] });
      expect(dots()).toEqual(['2 b']);
      await storage.flushed();
      expect(dots()).toEqual(['2 b']);
    });

    test('what sums of blocks hold too much is taken out of them, level by level', async () => {
      commit(op('a', '1'), op('b', null), op('c', '3', { skip: 5_000 }));
      await storage.flushed();
      const [entry] = storage.get(BUCKET, 'c') as [Entry];
      // A put whose `before` never stood takes out of the sums what was not in them.
      const other = sealEntry({ ...entry, value: bytes('other') });
      const lie = { bucket: BUCKET, key: 'x', before: [other], after: [] };
      storage.commit({ ...NOTHING, puts: [lie] });
      await storage.flushed();
      const lack = Fingerprint.empty();
      lack.remove(other.digest);
      const excess = (level: RangeLevel): SumExcess => {
        const index = Math.floor(entry.seq / 2 ** RANGE_SHIFTS[level]);
        return { bucket: BUCKET, origin: entry.origin, level, index, sum: lack.toBytes() };
      };
      storage.commit({ ...NOTHING, sums: [excess(0), excess(1)] });
      expect(() => expectSame(storage, model)).toThrow();
      storage.commit({ ...NOTHING, sums: [excess(2)] });
      expectSame(storage, model);
      await storage.flushed();
      expectSame(storage, model);
      storage = await under.reopen(storage);
      expectSame(storage, model);
    });

    test('floors, damage marks and members are there again, and vectors of origins that were taken out are not', async () => {
      const vector = new VersionVector(
        ORIGINS.map((origin) => [origin, Array.from({ length: 2_000 }, (_, i) => 5 * i + 1)] as const),
      );
      vector.add(ORIGIN, 2 ** 52, 2 ** 53 - 1);
      const record: MemberRecord = {
        peer: 'P'.repeat(21) as PeerId,
        name: 'Zoë',
        url: 'http://zoe.example:3001',
        number: 0xffff_ffff_ffff_ffffn as Stamp,
        origins: ORIGINS,
        vectors: BUCKETS.map((bucket) => [bucket, vector.clone()] as const),
        evictedUpTo: 1n as Stamp,
        downUpTo: 2n as Stamp,
      };
      const rows = (intervals: number[]) => [{ bucket: BUCKET, origin: ORIGIN, intervals }];
      const marks = [
        { origin: OTHER, seq: 7, key: '\u{10ffff}"\0' },
        { origin: OTHER, seq: 2 ** 53 - 1, key: 'k', stamp: 0xffff_ffff_ffff_ffffn as Stamp },
      ];
      const totals = [{ ...model.totals(BUCKET), droppedUpTo: 0xffff_ffff_ffff_ffffn as Stamp }];
      storage.commit({
        ...NOTHING,
        vectors: rows([1, 5]),
        floors: rows([2, 3]),
        totals,
        damages: [{ bucket: BUCKET, set: marks, cleared: [], isUnsettled: true }],
        members: [{ ...record, number: 1n as Stamp }, record, { ...record, peer: 'Q'.repeat(21) as PeerId }],
      });
      // The writer of the record goes on with the vectors that it gave away.
      record.vectors[0]?.[1].add(OTHER, 1, 100_000);
      storage = await under.reopen(storage);
      expect(storage.initial.buckets.get(BUCKET)).toMatchObject({
        vector: [[ORIGIN, [1, 5]]],
        floor: [[ORIGIN, [2, 3]]],
        droppedUpTo: totals[0]?.droppedUpTo,
        damages: marks,
        isUnsettled: true,
      });
      const text = ({ vectors, ...rest }: MemberRecord): unknown => ({
        ...rest,
        vectors: vectors.map(([bucket, each]) => [bucket, each.toText()]),
      });
      const expected = { ...record, vectors: BUCKETS.map((bucket) => [bucket, vector] as const) };
      expect(storage.initial.members.map(text)).toEqual(
        [expected, { ...expected, peer: 'Q'.repeat(21) as PeerId }].map(text),
      );
      storage.commit({
        ...NOTHING,
        vectors: rows([]),
        floors: rows([]),
        damages: [{ bucket: BUCKET, set: [], cleared: marks, isUnsettled: false }],
        forgotten: [record.peer],
      });
      storage = await under.reopen(storage);
      const nothing = { vector: [], floor: [], damages: [], isUnsettled: false };
      expect(storage.initial.buckets.get(BUCKET)).toMatchObject(nothing);
      expect(storage.initial.members.map(({ peer }) => peer)).toEqual(['Q'.repeat(21)]);
    });

    randomBatches(engine, randomRuns);
  });
}
