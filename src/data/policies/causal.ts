import { RumeurError } from '../../base/errors.js';
import { type Cell, hasLive, isLive, standing } from '../cell.js';
import { compareEntries, compareWrites, type Entry } from '../entry.js';
import { atMost, highest, subtract } from '../intervals.js';
import type { PutOp, WriteContext } from '../op.js';
import type { Content, WriterState } from '../policy.js';
import { type Stamp, STAMP_ZERO } from '../stamp.js';
import { VersionVector } from '../version-vector.js';

/** Intervals, over all origins, in the context of one write: what peers take. */
export const MOST_INTERVALS = 4096;

const NOTHING = new VersionVector();

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
    return [...rest, next].sort(compareEntries);
  };
}

/** `prepare` of `siblings` and `set`. */
export function prepareSeen(cell: Cell, op: PutOp, vector: VersionVector): Content | undefined {
  if (op.value === null && !mayDelete(cell, op, vector)) return undefined;
  return contentOf(op, op.context ? seenByClient(cell, op.context, vector) : contextOf(cell, vector));
}

/** A client may have seen elsewhere what has not come here yet: its delete must then be written all the same. */
const mayDelete = (cell: Cell, { context }: PutOp, vector: VersionVector): boolean =>
  context
    ? !context.dots.within(vector) || cell.some((entry) => isLive(entry) && context.dots.covers(entry))
    : hasLive(cell);

/** @throws `POLICY` when no peer would take so large a context */
export function contentOf({ key, value }: PutOp, { dots, stamp }: WriteContext): Content {
  if (dots.intervalCount() > MOST_INTERVALS) {
    throw new RumeurError('POLICY', `the history of '${key}' has more than ${MOST_INTERVALS} gaps`, {
      hint: 'wait until this peer is in sync, which closes gaps, or write another key',
    });
  }
  return dots.size === 0 ? { value } : { value, context: dots, above: stamp };
}

/**
 * What a reader of this cell has seen of the key. The dots of other keys between those seen are put in as well, which
 * keeps the intervals few: `vector` covers them, so whatever of them belongs to this key stands or was seen.
 */
export function contextOf(cell: Cell, vector: VersionVector): WriteContext {
  const dots = dotsSeenIn(cell);
  widen(dots, vector, NOTHING);
  return { dots, stamp: greatestStamp(cell) };
}

/** What a client with this context has seen, which need not be all that stands here, and may be more. */
function seenByClient(cell: Cell, { dots: named, stamp }: WriteContext, vector: VersionVector): WriteContext {
  const seen = cell.filter((entry) => named.covers(entry));
  const unseen = cell.filter((entry) => !named.covers(entry));
  const dots = dotsSeenIn(seen);
  dots.merge(named);
  // Neither what the client has not seen nor what only that had seen: its context may be unknown to us.
  widen(dots, vector, dotsSeenIn(unseen));
  const greatest = greatestStamp(seen);
  return { dots, stamp: greatest > stamp ? greatest : stamp };
}

function dotsSeenIn(cell: Cell): VersionVector {
  const dots = new VersionVector();
  for (const { origin, seq, context } of cell) {
    dots.add(origin, seq, seq);
    if (context) dots.merge(context);
  }
  return dots;
}

/** Adds, up to the greatest dot of each origin, what `vector` covers and `except` does not. */
function widen(dots: VersionVector, vector: VersionVector, except: VersionVector): void {
  for (const [origin, set] of [...dots.entries()]) {
    dots.addAll(origin, subtract(atMost(vector.get(origin), highest(set)), except.get(origin)));
  }
}

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
