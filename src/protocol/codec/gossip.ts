import type { OriginId } from '../../base/ids.js';
import { vectorToList } from '../fields.js';
import { MAX_BUCKETS } from '../limits.js';
import { MalformedMessage } from '../malformed.js';
import type { CodecsOf } from './message-codec.js';

/** News, and the rounds of anti-entropy. */
export const gossipCodecs: CodecsOf<'push' | 'digest' | 'same' | 'vectors'> = {
  push: {
    write: ({ bucket, origin, lo, hi, body }) => [bucket, origin, lo, hi, body],
    read(f) {
      const push = {
        bucket: f.bucket(),
        origin: f.id() as OriginId,
        lo: f.seq(),
        hi: f.seq(),
        body: f.bytes(),
      };
      if (push.lo > push.hi) throw new MalformedMessage('a push that ends before it begins');
      return { type: 'push', ...push };
    },
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
    write: ({ reply, buckets, changes }) => [
      reply,
      buckets.flatMap(([bucket, vector]) => [bucket, vectorToList(vector)]),
      ...(changes ? [true] : []),
    ],
    read: (f) => ({
      type: 'vectors',
      reply: f.flag(),
      buckets: f.eachOnce(
        MAX_BUCKETS,
        'a bucket',
        (b) => [b.bucket(), b.vector()] as const,
        ([bucket]) => bucket,
      ),
      ...(f.more && f.flag() ? { changes: true } : {}),
    }),
  },
};
