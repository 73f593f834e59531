import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { equalBytes } from '../../../src/base/bytes.js';
import { DEFAULT_BUCKET, type OriginId, type PeerId } from '../../../src/base/ids.js';
import { type Entry, sealEntry } from '../../../src/data/entry.js';
import { type Stamp, STAMP_ZERO } from '../../../src/data/stamp.js';
import type { Batch } from '../../../src/replica/batch.js';
import { MemoryStorage } from '../../../src/storage/memory.js';

const ids = { peerId: 'P'.repeat(21) as PeerId, origin: 'O'.repeat(21) as OriginId };
const { origin } = ids;

function entryOf(seq: number, value: Uint8Array = Buffer.from(`${seq}`)): Entry {
  return sealEntry({ key: 'k', origin, seq, stamp: BigInt(seq) as Stamp, value });
}

function write(seq: number, entry = entryOf(seq)): Batch {
  const before = seq > 1 ? [entryOf(seq - 1)] : [];
  const hash = new Uint8Array(16).fill(seq);
  return {
    ...NOTHING,
    puts: [{ bucket: DEFAULT_BUCKET, key: 'k', before, after: [entry] }],
    vectors: [{ bucket: DEFAULT_BUCKET, origin, intervals: [1, seq] }],
    totals: [{ bucket: DEFAULT_BUCKET, keys: 1, tombstones: 0, droppedUpTo: STAMP_ZERO, hash }],
    clock: BigInt(seq) as Stamp,
  };
}

const NOTHING: Batch = { puts: [], vectors: [], floors: [], totals: [], damages: [], members: [] };

/** By every table: the entry, its dot, and the sum that is its digest. */
const seqs = (store: MemoryStorage): number[] => {
  const [sum] = [...store.ranges(DEFAULT_BUCKET, origin, 1, 0, 9)];
  const entries = [...store.cells(DEFAULT_BUCKET, {})].flat();
  return [
    ...entries.map(({ seq }) => seq),
    ...[...store.dots(DEFAULT_BUCKET, origin, 1, 99, 'falling')].map(({ seq }) => seq),
    ...entries.filter(({ digest }) => equalBytes(digest, sum?.sum ?? digest)).map(({ seq }) => seq),
  ];
};

describe('a snapshot of a memory store', () => {
  test('is not changed by what comes after it, and opens as often as one likes', () => {
    const store = new MemoryStorage(ids);
    store.commit(write(1));
    const snapshot = store.snapshot();
    store.commit(write(2));
    const crashed = { peerId: ids.peerId, origin: 'N'.repeat(21) as OriginId };
    const first = new MemoryStorage(crashed, { snapshot, provenance: 'unclean' });
    first.commit(write(2));
    first.commit(write(3));
    const second = new MemoryStorage(crashed, { snapshot, provenance: 'unclean' });
    expect([store, first, second].map(seqs)).toEqual([
      [2, 2, 2],
      [3, 3, 3],
      [1, 1, 1],
    ]);
    expect(second.provenance).toBe('unclean');
    expect(second.initial).toMatchObject({ ...crashed, clock: 1n });
    expect(second.initial.buckets.get(DEFAULT_BUCKET)).toMatchObject({ vector: [[origin, [1, 1]]], keys: 1 });
    expect(second.snapshot().ids).toEqual(crashed);
  });

  test('knows the origin that the store has changed to', () => {
    const store = new MemoryStorage(ids);
    const changed = 'N'.repeat(21) as OriginId;
    store.commit({ ...NOTHING, origin: changed });
    expect(store.snapshot().ids).toEqual({ peerId: ids.peerId, origin: changed });
  });
});

test('a memory store keeps a value, not the frame that it came in', () => {
  const store = new MemoryStorage(ids);
  const frame = Buffer.alloc(1_000_000, 'x');
  store.commit(write(1, entryOf(1, frame.subarray(10, 15))));
  frame.fill('y');
  const value = store.get(DEFAULT_BUCKET, 'k')[0]?.value;
  expect(Buffer.from(value ?? []).toString()).toBe('xxxxx');
  expect(value?.buffer.byteLength).toBe(5);
});
