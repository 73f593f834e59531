import { Allowance } from '../base/allowance.js';
import type { PeerId } from '../base/ids.js';
import { MAX_MEMBERS } from '../protocol/limits.js';
import { isNews, type MemberMark, type MemberRecord, markOf } from '../protocol/members.js';
import { MAX_RECORD_INTERVALS } from './member-bounds.js';

/**
 * What one link may have told: a unit for each record and each interval. All that is kept may go out in one answer; the
 * next one waits until that is paid off.
 */
const TOLD = { most: 2 * MAX_RECORD_INTERVALS, perMs: 1_000 };

/** A mark that the other side has, and whether it knows that we have it too: its record has crossed the link. */
interface Theirs extends MemberMark {
  readonly crossed: boolean;
}

/** What was said of members on one link. */
export interface Talk {
  askedAt: number;
  /** When a full roster was last sent. */
  fullAt: number;
  /** The version of our records up to which the other side knows which ones we have. */
  toldUpTo: number;
  /** The other side has told its records since the link came up. */
  heard: boolean;
  /** From when on, by the wall clock, what it told and we left aside is no longer from the future; else `Infinity`. */
  dueAt: number;
  /** What the other side has, as far as it was told, or tells. */
  readonly theirs: Map<PeerId, Theirs>;
  readonly allowance: Allowance;
}

export const openTalk = (now: number): Talk => ({
  askedAt: -Infinity,
  fullAt: -Infinity,
  toldUpTo: 0,
  heard: false,
  dueAt: Infinity,
  theirs: new Map(),
  allowance: new Allowance(now, TOLD),
});

/**
 * The other side has this, or will in a moment; what it said before it got something newer may come after that.
 * @param isKept whether we know this member: where the other side tells of too many, only what it says of those is kept
 */
export function noteTheirs(
  { theirs }: Talk,
  mark: MemberMark,
  crossed: boolean,
  isKept: (peer: PeerId) => boolean,
): void {
  const known = theirs.get(mark.peer);
  if (known && !isNews(mark, known)) return;
  theirs.set(mark.peer, { ...markOf(mark), crossed });
  if (theirs.size <= MAX_MEMBERS) return;
  for (const peer of theirs.keys()) if (!isKept(peer)) theirs.delete(peer);
}

/** Whether the other side knows that we have just this record: it gave it to us, or got it from us. */
export function hasCrossed({ theirs }: Talk, record: MemberRecord): boolean {
  const known = theirs.get(record.peer);
  return known?.crossed === true && !isNews(record, known) && !isNews(known, record);
}
