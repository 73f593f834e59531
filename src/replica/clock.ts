import { nextStamp, type Stamp, stampAt, stampMillis } from '../data/stamp.js';

/** What a stamp may be given for, and why not. */
export type NextStamp = { readonly stamp: Stamp } | { readonly beyondHorizon: Stamp };

/**
 * The hybrid logical clock of one origin, and the bound on how far a stamp may lie in the future.
 * It never goes back: within an origin, stamps strictly rise.
 */
export class Clock {
  #last: Stamp;
  readonly #maxDriftMs: number;

  constructor(last: Stamp, maxDriftMs: number) {
    this.#last = last;
    this.#maxDriftMs = maxDriftMs;
  }

  get last(): Stamp {
    return this.#last;
  }

  /** The latest physical time that a stamp may carry, milliseconds. */
  horizon(now: number): number {
    return now + this.#maxDriftMs;
  }

  isBeyond(stamp: Stamp, now: number): boolean {
    return stampMillis(stamp) > this.horizon(now);
  }

  /** When a stamp from the future stops being one. */
  dueAt(stampMs: number): number {
    return stampMs - this.#maxDriftMs;
  }

  /** Takes note of a stamp of another peer, within the horizon (rule 9). */
  observe(stamp: Stamp): void {
    if (stamp > this.#last) this.#last = stamp;
  }

  /**
   * Our own last stamp lies beyond the horizon: the wall clock ran ahead and was set right. Stamps of this origin
   * cannot go on soundly; a new origin can, from `now` on.
   */
  ranAhead(now: number): boolean {
    return this.isBeyond(this.#last, now);
  }

  /** Begins anew for a new origin. */
  restart(now: number): void {
    this.#last = stampAt(now);
  }

  /** A stamp above everything seen and above `replaced`; refused when that lies beyond the horizon. */
  next(now: number, replaced: Stamp | undefined): NextStamp {
    const floor = replaced !== undefined && replaced > this.#last ? replaced : this.#last;
    const stamp = nextStamp(floor, now);
    if (this.isBeyond(stamp, now)) return { beyondHorizon: floor };
    this.#last = stamp;
    return { stamp };
  }
}

/**
 * How far our clock is off the cluster's, from the differences to our neighbours' clocks (theirs minus ours): the
 * median, ourselves counted as one, and of two middles the one nearer to us. So one wrong neighbour never makes us
 * doubt, and two that agree do.
 */
export function ownClockOffset(neighbours: readonly number[]): number {
  const sorted = [0, ...neighbours].sort((a, b) => a - b);
  const high = sorted[sorted.length >> 1] ?? 0;
  const low = sorted[(sorted.length - 1) >> 1] ?? 0;
  return Math.abs(low) <= Math.abs(high) ? low : high;
}
