import { assert } from '../base/assert.js';
import { digest128, utf8 } from '../base/bytes.js';
import type { BucketName, OriginId, PeerId } from '../base/ids.js';
import { type Stamp, STAMP_ZERO, stampToText } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';

/**
 * What a member has announced of itself (rule 10): a peer with a durable store, until it is evicted. Only the subject
 * raises `number`; a record with a greater one takes the place of a former one, whatever its vectors say.
 */
export interface MemberRecord {
  readonly peer: PeerId;
  readonly name: string;
  /** Where others reach it; `null` when it cannot be dialled. */
  readonly url: string | null;
  /** The member's clock at the announcement; strictly rising. */
  readonly number: Stamp;
  /** The origin under which the member writes, and before it those under which it wrote formerly: the latest few. */
  readonly origins: readonly OriginId[];
  /** What of each bucket was flushed to its disk. */
  readonly vectors: readonly (readonly [BucketName, VersionVector])[];
  /** The number up to which its announcements do not count, known or not: the member was evicted. 0 when it never was. */
  readonly evictedUpTo: Stamp;
  /**
   * The number up to which its announcements are those of a peer that was confirmed down: it is refuted by a greater one.
   * Down is not forgotten: tombstones still wait for it. 0 when it never was.
   */
  readonly downUpTo: Stamp;
}

/** What a roster says of a member: what two peers must agree about, as the rest follows from it. */
export type MemberMark = Pick<MemberRecord, 'peer' | 'number' | 'evictedUpTo' | 'downUpTo'>;

/** Whether the member does not count: it was evicted, and has announced nothing since. */
export const isEvicted = ({ number, evictedUpTo }: MemberMark): boolean => number <= evictedUpTo;

/** Whether the member was confirmed down, and has announced nothing since. */
export const isDown = ({ number, downUpTo }: MemberMark): boolean => number <= downUpTo;

export const markOf = ({ peer, number, evictedUpTo, downUpTo }: MemberMark): MemberMark => ({
  peer,
  number,
  evictedUpTo,
  downUpTo,
});

/** Whether `ours` says something that who knows `theirs` does not. */
export const isNews = (ours: MemberMark, theirs: MemberMark | undefined): boolean =>
  !theirs ||
  ours.number > theirs.number ||
  ours.evictedUpTo > theirs.evictedUpTo ||
  ours.downUpTo > theirs.downUpTo;

/** What a mark counts for in the hash of all records: 16 bytes over `peer:number:evictedUpTo:downUpTo`. */
export function markDigest({ peer, number, evictedUpTo, downUpTo }: MemberMark): Uint8Array {
  return digest128(utf8([peer, ...[number, evictedUpTo, downUpTo].map(stampToText)].join(':')));
}

/**
 * One record out of two of the same member: the later announcement, the later eviction and the later down mark.
 * Commutative, associative and idempotent. It is `a` itself when `b` says nothing new.
 */
export function mergeRecord(a: MemberRecord, b: MemberRecord): MemberRecord {
  assert(a.peer === b.peer, 'records of two members are merged');
  const later = isLater(b, a) ? b : a;
  return raised(later, a.evictedUpTo > b.evictedUpTo ? a : b, a.downUpTo > b.downUpTo ? a : b);
}

/** What others say of a member without having it from itself: that it was evicted, or is down. */
export const withMarks = (record: MemberRecord, said: MemberMark): MemberRecord => raised(record, said, said);

function raised(
  record: MemberRecord,
  { evictedUpTo }: Pick<MemberMark, 'evictedUpTo'>,
  { downUpTo }: Pick<MemberMark, 'downUpTo'>,
): MemberRecord {
  if (evictedUpTo <= record.evictedUpTo && downUpTo <= record.downUpTo) return record;
  return {
    ...record,
    evictedUpTo: latest(record.evictedUpTo, evictedUpTo),
    downUpTo: latest(record.downUpTo, downUpTo),
  };
}

/**
 * A down mark as it is taken by who knows the announcement with this number: of that one, or of an earlier one. So who is
 * down already cannot be marked any further.
 */
export const upTo = <M extends MemberMark>(mark: M, number: Stamp): M =>
  mark.downUpTo > number ? { ...mark, downUpTo: number } : mark;

export const latest = (...stamps: readonly Stamp[]): Stamp =>
  stamps.reduce((last, stamp) => (stamp > last ? stamp : last), STAMP_ZERO);

/** Honest members never give one number to two announcements; should it happen all the same, all must choose alike. */
function isLater(a: MemberRecord, b: MemberRecord): boolean {
  if (a.number !== b.number) return a.number > b.number;
  return a !== b && contentOf(a) > contentOf(b);
}

/** All that an announcement says, in a form that does not depend on the order of its vectors. */
export function contentOf({ name, url, origins, vectors }: MemberRecord): string {
  const rows = vectors.map(([bucket, vector]) => `${bucket} ${vector.toText()}`).sort();
  return JSON.stringify([name, url, origins, rows]);
}
