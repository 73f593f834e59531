import { Buffer } from 'node:buffer';
import { expect } from '@jest/globals';
import { DEFAULT_BUCKET, type OriginId } from '../../../src/base/ids.js';
import type { Entry } from '../../../src/data/entry.js';
import { Fingerprint } from '../../../src/data/fingerprint.js';
import type { Storage } from '../../../src/storage/storage.js';

/** How many batches of `store-child.mjs` the store holds; all that a batch writes must be there, or nothing of it. */
export function wholeBatches(storage: Storage, origin: OriginId): number {
  const bucket = storage.initial.buckets.get(DEFAULT_BUCKET);
  const covered = bucket?.vector.find(([name]) => name === origin)?.[1] ?? [];
  if (bucket === undefined) return 0;
  const batches = (covered[1] ?? 0) / 2;
  expect(covered).toEqual([1, 2 * batches]);
  expect(bucket.keys).toBe(batches + 1);
  expect(Buffer.from(bucket.hash)).toEqual(Buffer.alloc(16, batches));
  expect(storage.initial.clock).toBe(BigInt(2 * batches));
  const entries = [...storage.cells(DEFAULT_BUCKET, {})].flat();
  expect(entries).toHaveLength(batches + 1);
  for (const { key, seq } of entries)
    expect(key).toBe(seq === 2 * batches ? 'shared' : `own ${(seq + 1) / 2}`);
  const rows = [...storage.dots(DEFAULT_BUCKET, origin, 1, Number.MAX_SAFE_INTEGER, 'rising')];
  expect(new Set(rows.map((row) => `${row.seq} ${row.key}`))).toEqual(
    new Set(entries.map((entry) => `${entry.seq} ${entry.key}`)),
  );
  expectSums(storage, origin, entries);
  return batches;
}

function expectSums(storage: Storage, origin: OriginId, entries: readonly Entry[]): void {
  const sums = new Map<number, Fingerprint>();
  for (const { seq, digest } of entries) {
    const sum = sums.get(seq >> 4) ?? Fingerprint.empty();
    sum.add(digest);
    sums.set(seq >> 4, sum);
  }
  const rows = [...storage.ranges(DEFAULT_BUCKET, origin, 0, 0, Number.MAX_SAFE_INTEGER)];
  expect(new Map(rows.map(({ index, sum }) => [index, Buffer.from(sum).toString('hex')]))).toEqual(
    new Map([...sums].map(([index, sum]) => [index, sum.toText()])),
  );
}
