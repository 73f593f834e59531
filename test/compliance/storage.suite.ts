import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type BucketName, DEFAULT_BUCKET, type OriginId, type PeerId } from '../../src/base/ids.js';
import type { Batch } from '../../src/replica/batch.js';
import type { KeyRange } from '../../src/replica/view.js';
import type { Storage } from '../../src/storage/storage.js';
import { comparable, type Op, plain, plainRow, StoreModel } from './storage.model.js';

/** One store at a time: `open` a new one, close and open it again, throw away what is left of it. */
export interface StorageUnderTest {
  open(): Promise<Storage>;
  /** Closes the store in order and opens the same data again. */
  reopen(storage: Storage): Promise<Storage>;
  /** Closes the store where that has not happened, and removes its data. */
  dispose(storage: Storage): Promise<void>;
}

const BUCKETS = [DEFAULT_BUCKET, 'other' as BucketName];
const ORIGINS = ['A', 'B', 'C'].map((letter) => letter.repeat(21) as OriginId);
/** Where the order of UTF-16 and that of UTF-8 differ, neighbours of prefixes, and the longest key. */
const KEYS = [
  'a',
  'ab',
  'abc',
  'b',
  'é',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  '\u{10ffff}a',
  'k'.repeat(1024),
];
const RANGES: KeyRange[] = ['', 'a', 'ab', '\uffff', '\u{10ffff}', 'zzz'].flatMap((prefix) =>
  ['', 'a', 'abc', '\ue000', '\u{10ffff}', 'zz'].map((after) => ({ prefix, after })),
);

const bytes = (text: string): Uint8Array => Buffer.from(text);
const [BUCKET, ORIGIN] = [DEFAULT_BUCKET, ORIGINS[0] as OriginId];
const op = (key: string, value: string | null, more: Partial<Op> = {}): Op => ({
  bucket: BUCKET,
  origin: ORIGIN,
  key,
  value: value === null ? null : bytes(value),
  ...more,
});
const NOTHING: Batch = { puts: [], vectors: [], totals: [] };

function expectSame(storage: Storage, model: StoreModel, ranges: readonly KeyRange[] = RANGES): void {
  for (const bucket of BUCKETS) {
    for (const key of KEYS) expect(plain(storage.get(bucket, key))).toEqual(plain(model.get(bucket, key)));
    for (const range of ranges) {
      expect([...storage.entries(bucket, range)].map(plain)).toEqual(model.entries(bucket, range).map(plain));
    }
    for (const origin of ORIGINS) {
      for (const [lo, hi] of [
        [1, Number.MAX_SAFE_INTEGER],
        [2, 5],
        [4, 4],
        [5, 2],
      ] as const) {
        expect([...storage.dots(bucket, origin, lo, hi)].map(plainRow)).toEqual(
          model.dots(bucket, origin, lo, hi),
        );
      }
    }
  }
}

/** Everything that a Storage promises, for any engine. */
export function storageCompliance(name: string, engine: () => Promise<StorageUnderTest>): void {
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
      commit(op('a', '3', { origin: ORIGINS[1] as OriginId }), op('b', null));
      expect([...storage.dots(BUCKET, ORIGIN, 1, 9)].map((row) => row.seq)).toEqual([3]);
      expect(storage.get(BUCKET, 'b')?.value).toBeNull();
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
        for (const entry of storage.entries(BUCKET, {})) if (entry.key === 'ab') break;
        for (const row of storage.dots(BUCKET, ORIGIN, 1, 99)) if (row.seq % 3 === 0) break;
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
      const before = values.map((_, i) => storage.get(BUCKET, KEYS[i] as string)?.value as Uint8Array);
      await storage.flushed();
      const after = values.map((_, i) => storage.get(BUCKET, KEYS[i] as string)?.value as Uint8Array);
      const scanned = [...storage.entries(BUCKET, {})];
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
      expect([...storage.entries(BUCKET, { prefix: 'key' })]).toHaveLength(10);
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

    test('a closed store takes nothing; closing it again does nothing', async () => {
      await storage.close();
      await storage.close();
      expect(() => commit(op('a', '1'))).toThrow('closed');
    });

    test('random batches, scans and restarts agree with a plain model', async () => {
      const ops = fc.record({
        bucket: fc.constantFrom(...BUCKETS),
        origin: fc.constantFrom(...ORIGINS),
        key: fc.constantFrom(...KEYS),
        value: fc.option(fc.uint8Array({ maxLength: 40 })),
      });
      const step = fc.oneof(
        {
          weight: 8,
          arbitrary: fc.record({
            kind: fc.constant('commit' as const),
            ops: fc.array(ops, { maxLength: 6 }),
          }),
        },
        {
          weight: 3,
          arbitrary: fc.record({
            kind: fc.constantFrom('turn' as const, 'flush' as const, 'check' as const),
          }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          const run = await engine();
          let store = await run.open();
          const expected = new StoreModel();
          try {
            for (const each of steps) {
              if (each.kind === 'commit') store.commit(expected.batch(each.ops));
              else if (each.kind === 'turn') await nextTurn();
              else if (each.kind === 'flush') await store.flushed();
              else if (each.kind === 'reopen') store = await run.reopen(store);
              else expectSame(store, expected, [{}, { prefix: 'a' }, { after: 'ab' }]);
            }
            expectSame(store, expected);
            store = await run.reopen(store);
            expect(comparable(store.initial)).toEqual(expected.stored());
            expectSame(store, expected);
          } finally {
            await run.dispose(store);
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}
