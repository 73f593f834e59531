import { assert } from '../base/assert.js';
import { digest128, utf8 } from '../base/bytes.js';
import type { BucketName, OriginId, PeerId } from '../base/ids.js';
import { type Stamp, stampToText } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';

/**
 * What a member has announced of itself (rule 10): a peer with a durable store, until it is evicted. Only the subject
 * raises `number`; a record with a greater one takes the place of a former one, whatever its vectors say.
 */
export interface MemberRecord {
  readonly peer: PeerId;
  readonly name: string;
  /** The member's clock at the announcement; strictly rising. */
  readonly number: Stamp;
  /** The origin under which the member writes, and before it those under which it wrote formerly: the latest few. */
  readonly origins: readonly OriginId[];
  /** What of each bucket was flushed to its disk. */
  readonly vectors: readonly (readonly [BucketName, VersionVector])[];
  /** The number up to which its announcements do not count, known or not: the member was evicted. 0 when it never was. */
  readonly evictedUpTo: Stamp;
}

/** What a roster says of a member: what two peers must agree about, as the rest follows from it. */
export type MemberMark = Pick<MemberRecord, 'peer' | 'number' | 'evictedUpTo'>;

/** Whether the member does not count: it was evicted, and has announced nothing since. */
export const isEvicted = ({ number, evictedUpTo }: MemberMark): boolean => number <= evictedUpTo;

/** The marks of all records, by peer id. */
export const rosterOf = (records: Iterable<MemberRecord>): MemberMark[] =>
  [...records]
    .map(({ peer, number, evictedUpTo }) => ({ peer, number, evictedUpTo }))
    .sort((a, b) => (a.peer < b.peer ? -1 : 1));

/** 16 bytes over the canonical form of the roster: `peer:number:evictedUpTo;` of each member, in the order of their ids. */
export function membersHash(records: Iterable<MemberRecord>): Uint8Array {
  const rows = rosterOf(records).map(
    ({ peer, number, evictedUpTo }) => `${peer}:${stampToText(number)}:${stampToText(evictedUpTo)};`,
  );
  return digest128(utf8(rows.join('')));
}

/**
 * One record out of two of the same member: the later announcement, and the later eviction. Commutative, associative
 * and idempotent. It is `a` itself when `b` says nothing new.
 */
export function mergeRecord(a: MemberRecord, b: MemberRecord): MemberRecord {
  assert(a.peer === b.peer, 'records of two members are merged');
  const later = isLater(b, a) ? b : a;
  const evictedUpTo = a.evictedUpTo > b.evictedUpTo ? a.evictedUpTo : b.evictedUpTo;
  return later.evictedUpTo === evictedUpTo ? later : { ...later, evictedUpTo };
}

/** Honest members never give one number to two announcements; should it happen all the same, all must choose alike. */
function isLater(a: MemberRecord, b: MemberRecord): boolean {
  if (a.number !== b.number) return a.number > b.number;
  return a !== b && contentOf(a) > contentOf(b);
}

/** All that an announcement says, in a form that does not depend on the order of its vectors. */
function contentOf({ name, origins, vectors }: MemberRecord): string {
  const rows = vectors.map(([bucket, vector]) => `${bucket} ${vector.toText()}`).sort();
  return JSON.stringify([name, origins, rows]);
}
