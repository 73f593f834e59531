import type { BucketName, OriginId } from '../../base/ids.js';
import { count } from '../../data/intervals.js';
import type { VersionVector } from '../../data/version-vector.js';
import { type Fields, vectorToList } from '../fields.js';
import { MAX_BUCKETS, MAX_GRAFT_DOTS, MAX_HOPS, MAX_ORIGINS } from '../limits.js';
import { MalformedMessage } from '../malformed.js';
import type { Push } from '../messages.js';
import type { CodecsOf } from './message-codec.js';

/** News, and the rounds of anti-entropy. */
export const gossipCodecs: CodecsOf<'push' | 'have' | 'graft' | 'prune' | 'digest' | 'same' | 'vectors'> = {
  push: {
    write: ({ hops, bucket, origin, lo, hi, body }) => [hops, bucket, origin, lo, hi, body],
    read(f) {
      const push = {
        hops: f.uint(),
        bucket: f.bucket(),
        origin: f.id() as OriginId,
        lo: f.seq(),
        hi: f.seq(),
        body: f.bytes(),
      };
      if (push.hops > MAX_HOPS) throw new MalformedMessage('a push of too many hops');
      if (push.lo > push.hi) throw new MalformedMessage('a push that ends before it begins');
      return { type: 'push', ...push };
    },
  },
  have: {
    write: ({ buckets, onRequest }) => [vectorsToList(buckets), onRequest],
    read: (f) => ({ type: 'have', buckets: readVectors(f), onRequest: f.flag() }),
  },
  graft: {
    write: ({ buckets, eager }) => [vectorsToList(buckets), eager],
    read(f) {
      const buckets = readVectors(f);
      for (const [, vector] of buckets)
        for (const [, set] of vector.entries())
          if (count(set) > MAX_GRAFT_DOTS) throw new MalformedMessage('a graft of too many writes');
      return { type: 'graft', buckets, eager: f.flag() };
    },
  },
  prune: {
    write: ({ origins }) => [origins],
    read: (f) => ({
      type: 'prune',
      origins: f.eachOnce(
        MAX_ORIGINS,
        'an origin',
        (o) => o.id() as OriginId,
        (origin) => origin,
      ),
    }),
  },
  digest: {
    write: ({ round, buckets, membersHash }) => [
      round,
      buckets.flatMap((b) => [b.bucket, b.vectorHash, b.stateHash]),
      membersHash,
    ],
    read: (f) => ({
      type: 'digest',
      round: f.uint(),
      buckets: f.eachOnce(
        MAX_BUCKETS,
        'a bucket',
        (b) => ({ bucket: b.bucket(), vectorHash: b.hash(), stateHash: b.hash() }),
        ({ bucket }) => bucket,
      ),
      membersHash: f.hash(),
    }),
  },
  same: {
    write: ({ round }) => [round],
    read: (f) => ({ type: 'same', round: f.uint() }),
  },
  vectors: {
    write: ({ reply, buckets, changes }) => [reply, vectorsToList(buckets), ...(changes ? [true] : [])],
    read: (f) => ({
      type: 'vectors',
      reply: f.flag(),
      buckets: readVectors(f),
      ...(f.more && f.flag() ? { changes: true } : {}),
    }),
  },
};

/** A push as it goes on over a further link: the same bytes, but that the hops, where they are counted, are one more. */
export function nextHop(push: Push, bytes: Uint8Array): Uint8Array {
  if (push.hops === 0 || push.hops === MAX_HOPS) return bytes;
  // As all that we know writes it: a short list, the type, the hops, each in one byte.
  if (((bytes[0] ?? 0) & 0xf0) !== 0x90 || bytes[2] !== push.hops) return bytes;
  const next = bytes.slice();
  next[2] = push.hops + 1;
  return next;
}

type Rows = readonly (readonly [BucketName, VersionVector])[];

const vectorsToList = (buckets: Rows): unknown[] =>
  buckets.flatMap(([bucket, vector]) => [bucket, vectorToList(vector)]);

const readVectors = (f: Fields): Rows =>
  f.eachOnce(
    MAX_BUCKETS,
    'a bucket',
    (b) => [b.bucket(), b.vector()] as const,
    ([bucket]) => bucket,
  );
