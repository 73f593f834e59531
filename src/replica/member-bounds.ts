import type { PeerId } from '../base/ids.js';
import type { Stamp } from '../data/stamp.js';
import { isEvicted, type MemberRecord } from '../protocol/members.js';

/** Records that are kept. */
export const MAX_KEPT_MEMBERS = 1024;
/** Intervals in the vectors of one record, and in those of all together: what a peer may make us keep. */
export const MAX_RECORD_INTERVALS = 2 ** 16;
export const MAX_ALL_INTERVALS = 2 ** 20;

/** The size of a record in memory and on the wire, in intervals. */
export const weightOf = ({ vectors }: MemberRecord): number =>
  vectors.reduce((sum, [, vector]) => sum + vector.intervalCount(), 0);

/** Rough bytes of a record without vectors, of a row in one, and of an interval. */
const [RECORD_BYTES, ROW_BYTES, INTERVAL_BYTES] = [120, 4, 4];

/** About how many bytes a record takes in a message with others, which name the same origins. */
export const roughSize = ({ vectors }: MemberRecord): number =>
  vectors.reduce(
    (sum, [, vector]) => sum + ROW_BYTES * vector.size + INTERVAL_BYTES * vector.intervalCount(),
    RECORD_BYTES,
  );

/** Whether a record is small enough for others to take it. */
export const isAnnounceable = (record: MemberRecord): boolean => weightOf(record) <= MAX_RECORD_INTERVALS;

/** What is kept, and what decides who makes room. */
export interface KeptMembers {
  readonly records: ReadonlyMap<PeerId, MemberRecord>;
  /** Of all records together. */
  readonly weight: number;
  /** Ourselves and those we are linked to: nobody takes their place. */
  readonly isFirm: (peer: PeerId) => boolean;
  /** Whoever has announced nothing since would be evicted by now. */
  readonly silentSince: Stamp;
}

/**
 * Who makes room for a record, nobody where there is some; `undefined` when it finds none. For a neighbour the longest
 * silent goes, evicted ones first, and where all together are too large, the largest: who comes under ever new ids with
 * all that a record may hold pushes out what it said before. For hearsay only one goes that was evicted long ago, and only
 * if the member announces itself now: so whoever makes up members cannot push out real ones.
 */
export function losersFor(kept: KeptMembers, record: MemberRecord): readonly MemberRecord[] | undefined {
  const { records, weight, isFirm, silentSince } = kept;
  const former = records.get(record.peer);
  const growth = weightOf(record) - (former ? weightOf(former) : 0);
  const isOneTooMany = !former && records.size >= MAX_KEPT_MEMBERS;
  const isTooLarge = growth > 0 && weight + growth > MAX_ALL_INTERVALS;
  if (!isOneTooMany && !isTooLarge) return [];
  const isNeighbour = isFirm(record.peer);
  if (!isNeighbour && (isTooLarge || isEvicted(record) || record.number < silentSince)) return undefined;
  const others = [...records.values()]
    .filter(({ peer }) => !isFirm(peer))
    .filter((other) => isNeighbour || (isEvicted(other) && other.number < silentSince))
    .sort(bySilence);
  const silent = isOneTooMany ? others.splice(0, 1) : [];
  if (isOneTooMany && silent.length === 0) return undefined;
  return [...silent, ...largest(others, weight + growth - totalOf(silent) - MAX_ALL_INTERVALS)];
}

/** Of the records in a store those that may be kept, and those that go first: evicted ones, silent ones, large ones. */
export function fitting(
  stored: readonly MemberRecord[],
  self: PeerId,
): { kept: readonly MemberRecord[]; left: readonly MemberRecord[] } {
  const others = stored.filter(({ peer }) => peer !== self).sort(bySilence);
  const own = stored.filter(({ peer }) => peer === self);
  const silent = others.splice(0, stored.length - MAX_KEPT_MEMBERS);
  const large = new Set(largest(others, totalOf(own) + totalOf(others) - MAX_ALL_INTERVALS));
  return { kept: [...own, ...others.filter((one) => !large.has(one))], left: [...silent, ...large] };
}

/** The size of all these records together. */
export const totalOf = (records: readonly MemberRecord[]): number =>
  records.reduce((sum, record) => sum + weightOf(record), 0);

/** The largest ones, as many as weigh `excess` together. */
function largest(records: readonly MemberRecord[], excess: number): MemberRecord[] {
  const losers: MemberRecord[] = [];
  let left = excess;
  for (const record of [...records].sort((a, b) => weightOf(b) - weightOf(a))) {
    if (left <= 0) break;
    losers.push(record);
    left -= weightOf(record);
  }
  return losers;
}

/** Evicted ones first, then who has announced itself longest ago. */
function bySilence(a: MemberRecord, b: MemberRecord): number {
  const evicted = Number(isEvicted(b)) - Number(isEvicted(a));
  return evicted || (a.number < b.number ? -1 : Number(a.number > b.number));
}
