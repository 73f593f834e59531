import type { Dot } from '../../data/dot.js';

/**
 * Why two peers compare their data:
 * - `shed`: the other side dropped tombstones that we have not seen; at the end its floor is ours too, and a delta can follow.
 * - `repair`: both cover the same writes and hold other data.
 * - `verify`: differences are reported, and nothing is changed.
 */
export type ReconcileMode = 'shed' | 'repair' | 'verify';

/**
 * How a session ended:
 * - `done`: everything was compared.
 * - `deferred`: some of what the other side holds cannot be taken yet (it lies beyond our clock's horizon, or would leave too
 *   many gaps), so its floor cannot be either.
 * - `restless`: other writes kept coming in while it ran.
 * - `cancelled`: the other side gave up; `stalled`: it did not answer; `linkDown`: the link ended.
 * - `damaged`: a damaged row was found here (rule 15).
 * - `overdue`: there is more to compare than `verify` may take time for; of the others: it took long, and others waited.
 * - `interrupted`: it was to change nothing, and the bucket had to be mended meanwhile.
 */
export type ReconcileOutcome =
  | 'done'
  | 'deferred'
  | 'restless'
  | 'cancelled'
  | 'stalled'
  | 'linkDown'
  | 'damaged'
  | 'overdue'
  | 'interrupted';

/** A live entry that only one of the sides holds although both cover it. */
export interface Difference extends Dot {
  readonly key: string;
  /**
   * - `absent`: it stands here only, and nothing that supersedes it stands there; it is to go here.
   * - `superseded`: it stands here only, and what supersedes it stands there.
   * - `content`: the same dot stands on both sides with different content: it was used twice.
   * - `missing`: it stands there only; looked for by `verify` alone.
   */
  readonly kind: 'absent' | 'superseded' | 'content' | 'missing';
}

/** What a session did. */
export interface ReconcileReport {
  readonly mode: ReconcileMode;
  readonly outcome: ReconcileOutcome;
  /** What the other side said when it gave up. */
  readonly reason: string | undefined;
  /** How often everything was compared: more than once when writes came in meanwhile. */
  readonly passes: number;
  /** Blocks of the finest level that differed. */
  readonly blocks: number;
  /** Entries that were listed. */
  readonly listed: number;
  /** Entries that only one side holds; in `verify` nothing more comes of it. */
  readonly differences: number;
  /** Entries that only one side holds, perhaps because of a write that only one side covers yet; counted by `verify`. */
  readonly unsettled: number;
  /** The first of the differences. */
  readonly examples: readonly Difference[];
  /** Entries that were taken out here with nothing in their place. */
  readonly dropped: number;
  /** Entries of the other side that came to stand here. */
  readonly repaired: number;
  /** Entries of the other side that could not be taken yet. */
  readonly deferred: number;
  readonly roundTrips: number;
  /** Of all questions and answers, both ways. */
  readonly bytes: number;
  readonly ms: number;
  /** How many operations each side lacked; `undefined` when the other side has not told what it covers. */
  readonly lag: { readonly behind: number; readonly ahead: number } | undefined;
}

type Told = 'mode' | 'outcome' | 'reason' | 'ms' | 'lag' | 'examples';

/** A report that is being written. */
export type Tally = {
  -readonly [field in keyof Omit<ReconcileReport, Told>]: number;
} & { readonly examples: Difference[] };

export const newTally = (): Tally => ({
  passes: 0,
  blocks: 0,
  listed: 0,
  differences: 0,
  unsettled: 0,
  examples: [],
  dropped: 0,
  repaired: 0,
  deferred: 0,
  roundTrips: 0,
  bytes: 0,
});

/** Differences that a report names. */
const MAX_EXAMPLES = 100;

export function noteDifference(
  tally: Tally,
  { origin, seq, key }: Dot & { key: string },
  kind: Difference['kind'],
): void {
  tally.differences++;
  if (tally.examples.length < MAX_EXAMPLES) tally.examples.push({ origin, seq, key, kind });
}
