import { expect } from '@jest/globals';
import { type BucketName, DEFAULT_BUCKET, type OriginId } from '../../src/base/ids.js';
import { RANGE_SHIFTS } from '../../src/protocol/ranges.js';
import type { KeyRange, RangeLevel } from '../../src/replica/view.js';
import type { Storage } from '../../src/storage/storage.js';
import { plain, plainRange, plainRow, type StoreModel } from './storage.model.js';

export const BUCKETS = [DEFAULT_BUCKET, 'other' as BucketName];
export const ORIGINS = ['A', 'B', 'C'].map((letter) => letter.repeat(21) as OriginId);
/** Where the order of UTF-16 and that of UTF-8 differ, neighbours of prefixes, and the longest key. */
export const KEYS = [
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
const ALL = Number.MAX_SAFE_INTEGER;
const SEQS = [
  [1, ALL],
  [2, 5],
  [4, 4],
  [5, 2],
  [60_000, 140_000],
] as const;
const BLOCKS = [
  [0, ALL],
  [0, 0],
  [1, 64],
  [3, 2],
  [63, 5000],
] as const;

/** Every view of the store against the model. */
export function expectSame(storage: Storage, model: StoreModel, ranges: readonly KeyRange[] = RANGES): void {
  for (const bucket of BUCKETS) {
    for (const key of KEYS) expect(plain(storage.get(bucket, key))).toEqual(plain(model.get(bucket, key)));
    for (const range of ranges) {
      expect([...storage.cells(bucket, range)].map(plain)).toEqual(model.cells(bucket, range).map(plain));
    }
    for (const origin of ORIGINS) expectSameDots(storage, model, bucket, origin);
  }
}

function expectSameDots(storage: Storage, model: StoreModel, bucket: BucketName, origin: OriginId): void {
  for (const [lo, hi] of SEQS) {
    for (const order of ['falling', 'rising'] as const) {
      expect([...storage.dots(bucket, origin, lo, hi, order)].map(plainRow)).toEqual(
        model.dots(bucket, origin, lo, hi, order),
      );
    }
    expect([...storage.tombstones(bucket, origin, lo, hi)].map(plainRow)).toEqual(
      model.tombstones(bucket, origin, lo, hi),
    );
  }
  for (const level of RANGE_SHIFTS.keys()) {
    for (const [from, to] of BLOCKS) {
      const args = [bucket, origin, level as RangeLevel, from, to] as const;
      expect([...storage.ranges(...args)].map(plainRange)).toEqual(model.ranges(...args));
    }
  }
}
