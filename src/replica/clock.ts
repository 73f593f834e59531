import { nextStamp, type Stamp, stampAt, stampMillis } from '../data/stamp.js';

/**
 * A neighbour at the edge of the horizon draws our stamps there too, and a wall clock is adjusted by moments all the time:
 * neither is worth a new origin. Others hold such writes back for no longer than this.
 */
const RAN_AHEAD_SLACK_MS = 1000;

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
    return stampMillis(this.#last) > this.horizon(now) + RAN_AHEAD_SLACK_MS;
  }

  /** Goes back to `now`, for a new origin only. */
  restart(now: number): void {
    this.#last = stampAt(now);
  }

  /**
   * A stamp above everything seen and above `replaced`. Neither lies beyond the horizon, as the caller has checked; a
   * counter that overflows there may step over it by a millisecond, which must not fail a write half done.
   */
  next(now: number, replaced: Stamp | undefined): Stamp {
    const floor = replaced !== undefined && replaced > this.#last ? replaced : this.#last;
    this.#last = nextStamp(floor, now);
    return this.#last;
  }
}
