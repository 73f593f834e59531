import { describe, expect, test } from '@jest/globals';
import { SiblingBound } from '../../../src/api/sibling-bound.js';
import { utf8 } from '../../../src/base/bytes.js';
import type { BucketName, OriginId } from '../../../src/base/ids.js';
import { type Entry, sealEntry } from '../../../src/data/entry.js';
import type { LocalOp } from '../../../src/data/op.js';
import type { PolicyName } from '../../../src/data/policy.js';
import { STAMP_ZERO, stampAt } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { openBucket } from '../../../src/replica/bucket.js';

const ORIGIN = 'origin-00000000000000' as OriginId;
const bucketOf = (policy: PolicyName) => openBucket('b' as BucketName, policy, undefined);
const seen = (...seqs: number[]): VersionVector =>
  VersionVector.ofDots(seqs.map((seq) => ({ origin: ORIGIN, seq })));

const cell: readonly Entry[] = [1, 2, 3].map((seq) =>
  sealEntry({ origin: ORIGIN, seq, stamp: stampAt(seq), key: 'k', value: utf8('1') }),
);
const op = (dots?: VersionVector): LocalOp =>
  dots === undefined
    ? { key: 'k', value: utf8('1') }
    : { key: 'k', value: utf8('1'), context: { dots, stamp: STAMP_ZERO } };

describe('the bound on siblings', () => {
  const bucket = bucketOf('siblings');
  const bound = (most: number) => new SiblingBound(most, () => cell);
  const refusal = expect.objectContaining({ code: 'OVERLOADED', hint: expect.stringContaining('siblings') });

  test('counts what stands beside what the context names', () => {
    expect(() => bound(3).enter(bucket, [op(seen())])).toThrow(refusal);
    expect(() => bound(4).enter(bucket, [op(seen())])).not.toThrow();
    expect(() => bound(3).enter(bucket, [op(seen(1))])).not.toThrow();
    expect(() => bound(1).enter(bucket, [op(seen(1, 2, 3))])).not.toThrow();
  });

  test('counts writes under way until they have left', () => {
    const most = bound(5);
    const leave = most.enter(bucket, [op(seen())]);
    const leaveToo = most.enter(bucket, [op(seen())]);
    expect(() => most.enter(bucket, [op(seen())])).toThrow(refusal);
    leave();
    expect(() => most.enter(bucket, [op(seen())])).not.toThrow();
    leaveToo();
  });

  test('a list that is refused leaves nothing behind', () => {
    const most = bound(5);
    expect(() => most.enter(bucket, [op(seen()), op(seen()), op(seen())])).toThrow(refusal);
    expect(() => most.enter(bucket, [op(seen()), op(seen())])).not.toThrow();
  });

  test('is of no concern to writes without a context, and in other buckets', () => {
    expect(() => bound(1).enter(bucket, [op(), { key: 'k', increment: 1 }])).not.toThrow();
    expect(() => bound(1).enter(bucketOf('lww'), [op(seen())])).not.toThrow();
  });
});
