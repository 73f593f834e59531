/** Units that come back in a millisecond: one for each block or entry looked up, and for each kilobyte read and sent. */
const UNITS_PER_MS = 50;
/** Units that a rested link may use at once. */
const MOST_UNITS = 20_000;

/**
 * How much work one link may cause: a question may be asked while something is left, and its cost, known afterwards, is
 * paid off before the next one.
 */
export class Allowance {
  #left = MOST_UNITS;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** The first moment, not before `now`, at which something is left. */
  readyAt(now: number): number {
    const due = this.#at + Math.max(0, 1 - this.#left) / UNITS_PER_MS;
    return Math.max(now, Math.ceil(due));
  }

  spend(now: number, units: number): void {
    this.#left = Math.min(MOST_UNITS, this.#left + (now - this.#at) * UNITS_PER_MS) - units;
    this.#at = now;
  }
}
