import { RumeurError } from '../../base/errors.js';
import { type Cell, hasLive, isLive, standing } from '../cell.js';
import { compareEntries, compareWrites, type Entry, type EntryWithoutDigest } from '../entry.js';
import { atMost, highest, subtract } from '../intervals.js';
import type { PutOp, WriteContext } from '../op.js';
import type { Content, WriterState } from '../policy.js';
import { type Stamp, STAMP_ZERO } from '../stamp.js';
import { VersionVector } from '../version-vector.js';

/** Intervals, over all origins, in the context of one write: what peers take. */
export const MOST_INTERVALS = 4096;

/** Intervals that a write may name and its peer does not cover, where a client adds to them. */
export const MOST_AHEAD = 256;

const NOTHING = new VersionVector();
const NOTHING_SEEN: WriteContext = { dots: NOTHING, stamp: STAMP_ZERO };

/**
 * Whether `later` has seen all that `earlier` had seen. As a condition of superseding it makes the relation
 * transitive whatever contexts say: forged ones, cut ones, ones widened over a tombstone that was dropped here and
 * stands elsewhere. So what stands never depends on the order of arrival, and a write that goes leaves none uncovered
 * that only it had superseded.
 */
export const hasSeenAllOf = (later: Entry, earlier: Entry): boolean =>
  earlier.context === undefined || earlier.context.within(later.context ?? NOTHING);

/** The rule of `siblings` and `set` (rule 16): a write supersedes the older ones that it has seen. */
export const supersedesSeen = (later: Entry, earlier: Entry): boolean =>
  later.context !== undefined &&
  later.context.covers(earlier) &&
  // Honest writes are above all that they have seen. Deltas rely on it: superseders are sent first.
  compareWrites(later, earlier) > 0 &&
  hasSeenAllOf(later, earlier);

/**
 * `admit` of a policy under which several writes may stand. `supersedes` must be transitive and never hold both ways.
 * Of two contents of one dot the greater stands, never both.
 */
export function admitBy(
  supersedes: (later: Entry, earlier: Entry) => boolean,
): (cell: Cell, next: Entry) => Cell | undefined {
  return (cell, next) => {
    const twin = standing(cell, next);
    if (twin && compareEntries(next, twin) <= 0) return undefined;
    if (cell.some((entry) => entry !== twin && supersedes(entry, next))) return undefined;
    const rest = cell.filter((entry) => entry !== twin && !supersedes(next, entry));
    rest.splice(placeIn(rest, next), 0, next);
    return rest;
  };
}

/** Where an entry belongs in an ascending cell. */
function placeIn(cell: Cell, next: Entry): number {
  let [low, high] = [0, cell.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareEntries(cell[middle] as Entry, next) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Writes of one origin that stand beside each other under one key: no config lets a peer write more of them. */
const MOST_BESIDE = 1_000;

/**
 * Whether among the writes of one origin, oldest first, so many leave each other standing under one key as no sound peer
 * makes. Each costs as much as all that stand there.
 */
export function areTooManyBeside(writes: readonly EntryWithoutDigest[]): boolean {
  if (writes.length <= MOST_BESIDE) return false;
  const beside = new Map<string, EntryWithoutDigest[]>();
  for (const write of writes) {
    const { context } = write;
    const others = beside.get(write.key) ?? [];
    const left = context ? others.filter((other) => !context.covers(other)) : others;
    left.push(write);
    if (left.length > MOST_BESIDE) return true;
    beside.set(write.key, left);
  }
  return false;
}

/**
 * `prepare` of `siblings` and `set`.
 * @throws RumeurError `POLICY` for a delete that would leave a value standing, and for a context far ahead of us
 */
export function prepareSeen(cell: Cell, op: PutOp, vector: VersionVector): Content | undefined {
  if (op.value === null && !mayDelete(cell, op, vector)) return undefined;
  const seen = op.context ? seenByClient(cell, op.context, vector) : contextOf(cell, vector);
  if (op.context) checkAhead(cell, op.key, op.context, seen, vector);
  if (op.value === null) checkDelete(cell, op, seen);
  return contentOf(op, seen);
}

/** A client may have seen elsewhere what has not come here yet: its delete must then be written all the same. */
const mayDelete = (cell: Cell, { context }: PutOp, vector: VersionVector): boolean =>
  context
    ? !context.dots.within(vector) || cell.some((entry) => isLive(entry) && context.dots.covers(entry))
    : hasLive(cell);

/** Dots that no peer may ever have given away stay in the history of the key: clients add a few of them at most. */
function checkAhead(
  cell: Cell,
  key: string,
  named: WriteContext,
  seen: WriteContext,
  vector: VersionVector,
): void {
  const ahead = named.dots.minus(vector);
  if (ahead.size === 0 || ahead.within(dotsSeenIn(cell))) return;
  if (seen.dots.minus(vector).intervalCount() <= MOST_AHEAD) return;
  throw new RumeurError('POLICY', `the context names too much of '${key}' that this peer has not heard of`, {
    hint: 'wait until this peer is in sync, or write at the peer that was read',
  });
}

/** Who deletes is told that it is gone: so a value may not stay for want of room in the context. */
function checkDelete(cell: Cell, { key, context }: PutOp, { dots }: WriteContext): void {
  const isMeant = (entry: Entry): boolean => isLive(entry) && (context?.dots.covers(entry) ?? true);
  const isGone = (entry: Entry): boolean => dots.covers(entry) && (entry.context ?? NOTHING).within(dots);
  if (cell.some((entry) => isMeant(entry) && !isGone(entry))) throw tooMuchHistory(key);
}

const tooMuchHistory = (key: string): RumeurError =>
  new RumeurError('POLICY', `the history of '${key}' has more than ${MOST_INTERVALS} gaps`, {
    hint: 'wait until this peer is in sync, which closes gaps, or write another key',
  });

/** @throws `POLICY` when no peer would take so large a context */
export function contentOf({ key, value }: PutOp, { dots, stamp }: WriteContext): Content {
  if (dots.intervalCount() > MOST_INTERVALS) throw tooMuchHistory(key);
  return dots.size === 0 ? { value } : { value, context: dots, above: stamp };
}

/**
 * What a reader of this cell has seen of the key, `MOST_INTERVALS` at most. The dots of other keys between those seen
 * are put in as well, which keeps the intervals few: `vector` covers them, so whatever of them belongs to this key stands
 * or was seen.
 */
export const contextOf = (cell: Cell, vector: VersionVector): WriteContext =>
  seenOf(cell, [], NOTHING_SEEN, vector);

/** What a client with this context has seen, which need not be all that stands here, and may be more. */
function seenByClient(cell: Cell, named: WriteContext, vector: VersionVector): WriteContext {
  const isSeen = (entry: Entry): boolean => named.dots.covers(entry);
  return seenOf(
    cell.filter(isSeen),
    cell.filter((entry) => !isSeen(entry)),
    named,
    vector,
  );
}

function seenOf(seen: Cell, unseen: Cell, named: WriteContext, vector: VersionVector): WriteContext {
  const dots = dotsSeenIn(seen);
  dots.merge(named.dots);
  // Neither what the client has not seen nor what only that had seen: its context may be unknown to us.
  widen(dots, vector, dotsSeenIn(unseen));
  if (dots.intervalCount() > MOST_INTERVALS) return seenInPart(seen, named);
  return { dots, stamp: greaterOf(greatestStamp(seen), named.stamp) };
}

/**
 * What fits into a context, where a peer has made up so much history that the whole does not: `named`, and the entries
 * with the least history, each with all of it or not at all. The others will stand beside the write. A context that is cut
 * in this way is that of a writer who has not seen them: it supersedes less, never more, and whatever an entry in it had
 * superseded it supersedes too, so nothing of that comes back. Without widening, which would take in dots of the others.
 */
function seenInPart(seen: Cell, named: WriteContext): WriteContext {
  let dots = named.dots.clone();
  let stamp = named.stamp;
  const byHistory = [...seen].sort((a, b) => historyOf(a) - historyOf(b) || compareEntries(a, b));
  for (const entry of byHistory) {
    const fits = dots.intervalCount() + historyOf(entry) < MOST_INTERVALS;
    const wider = fits ? dots : dots.clone();
    addSeen(wider, entry);
    if (!fits && wider.intervalCount() > MOST_INTERVALS) break;
    dots = wider;
    stamp = greaterOf(stamp, entry.stamp);
  }
  return { dots, stamp };
}

const historyOf = ({ context }: Entry): number => context?.intervalCount() ?? 0;

function dotsSeenIn(cell: Cell): VersionVector {
  const dots = new VersionVector();
  for (const entry of cell) addSeen(dots, entry);
  return dots;
}

function addSeen(dots: VersionVector, { origin, seq, context }: Entry): void {
  dots.add(origin, seq, seq);
  if (context) dots.merge(context);
}

/** Adds, up to the greatest dot of each origin, what `vector` covers and `except` does not. */
function widen(dots: VersionVector, vector: VersionVector, except: VersionVector): void {
  for (const [origin, set] of [...dots.entries()]) {
    dots.addAll(origin, subtract(atMost(vector.get(origin), highest(set)), except.get(origin)));
  }
}

const greaterOf = (a: Stamp, b: Stamp): Stamp => (a > b ? a : b);

export function greatestStamp(cell: Cell): Stamp {
  let greatest = STAMP_ZERO;
  for (const { stamp } of cell) if (stamp > greatest) greatest = stamp;
  return greatest;
}

/**
 * The context of a write of a burnt origin without the dots that this store gave away since it was opened: elsewhere
 * they name writes that it has never seen. Higher ones it can only have from others, who had seen those.
 */
export function contextWithoutOwn(entry: Entry, { firstSeq }: WriterState): VersionVector {
  const context = entry.context?.clone() ?? new VersionVector();
  if (firstSeq <= entry.seq) context.removeAll(entry.origin, [firstSeq, entry.seq]);
  return context;
}

export function renewSeen(entry: Entry, writer: WriterState): Content {
  const context = contextWithoutOwn(entry, writer);
  return { value: entry.value, above: entry.stamp, ...(context.size > 0 ? { context } : {}) };
}
