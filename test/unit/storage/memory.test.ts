import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { DEFAULT_BUCKET, type OriginId, type PeerId } from '../../../src/base/ids.js';
import { sealEntry } from '../../../src/data/entry.js';
import type { Stamp } from '../../../src/data/stamp.js';
import type { Batch } from '../../../src/replica/batch.js';
import { MemoryStorage } from '../../../src/storage/memory.js';

const ids = { peerId: 'P'.repeat(21) as PeerId, origin: 'O'.repeat(21) as OriginId };
const { origin } = ids;

function write(seq: number, value: Uint8Array = Buffer.from(`${seq}`)): Batch {
  const entry = sealEntry({ key: 'k', origin, seq, stamp: BigInt(seq) as Stamp, value });
  return {
    puts: [{ bucket: DEFAULT_BUCKET, entry, replaces: seq > 1 ? { origin, seq: seq - 1 } : undefined }],
    vectors: [{ bucket: DEFAULT_BUCKET, origin, intervals: [1, seq] }],
    totals: [{ bucket: DEFAULT_BUCKET, keys: 1, hash: new Uint8Array(16).fill(seq) }],
    clock: BigInt(seq) as Stamp,
  };
}

const seqs = (store: MemoryStorage): number[] => [
  ...[...store.entries(DEFAULT_BUCKET, {})].map(({ seq }) => seq),
  ...[...store.dots(DEFAULT_BUCKET, origin, 1, 99)].map(({ seq }) => seq),
];

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
      [2, 2],
      [3, 3],
      [1, 1],
    ]);
    expect(second.provenance).toBe('unclean');
    expect(second.initial).toMatchObject({ ...crashed, clock: 1n });
    expect(second.initial.buckets.get(DEFAULT_BUCKET)).toMatchObject({ vector: [[origin, [1, 1]]], keys: 1 });
    expect(second.snapshot().ids).toEqual(crashed);
  });

  test('knows the origin that the store has changed to', () => {
    const store = new MemoryStorage(ids);
    const changed = 'N'.repeat(21) as OriginId;
    store.commit({ puts: [], vectors: [], totals: [], origin: changed });
    expect(store.snapshot().ids).toEqual({ peerId: ids.peerId, origin: changed });
  });
});

test('a memory store keeps a value, not the frame that it came in', () => {
  const store = new MemoryStorage(ids);
  const frame = Buffer.alloc(1_000_000, 'x');
  store.commit(write(1, frame.subarray(10, 15)));
  frame.fill('y');
  const value = store.get(DEFAULT_BUCKET, 'k')?.value;
  expect(Buffer.from(value ?? []).toString()).toBe('xxxxx');
  expect(value?.buffer.byteLength).toBe(5);
});
