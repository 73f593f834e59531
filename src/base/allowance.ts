/** How much may be used: `most` units at once, and what was used comes back at `perMs` units a millisecond. */
export interface Rate {
  readonly most: number;
  readonly perMs: number;
}

/**
 * Keeps somebody to a rate. Something may be done while a unit is left, and what it costs may be known only afterwards:
 * then the debt is paid off before the next one.
 */
export class Allowance {
  readonly #rate: Rate;
  #left: number;
  #at: number;

  constructor(now: number, rate: Rate) {
    this.#rate = rate;
    this.#left = rate.most;
    this.#at = now;
  }

  #leftAt(now: number): number {
    return Math.min(this.#rate.most, this.#left + (now - this.#at) * this.#rate.perMs);
  }

  /** The first moment, not before `now`, at which a unit is left. */
  readyAt(now: number): number {
    if (this.#leftAt(now) >= 1) return now;
    return Math.ceil(this.#at + (1 - this.#left) / this.#rate.perMs);
  }

  /** Whether nothing of what was used counts any more. */
  isFull(now: number): boolean {
    return this.#leftAt(now) >= this.#rate.most;
  }

  /** @returns whether a unit is left after that */
  spend(now: number, units: number): boolean {
    this.#left = this.#leftAt(now) - units;
    this.#at = now;
    return this.#left >= 1;
  }
}
