/** The time-out while nothing was measured, milliseconds (RFC 6298, 5.7). */
const UNMEASURED_MS = 3_000;
/** The shortest time-out, milliseconds (RFC 6298, 2.4): a sound process may be as busy as that. */
const FLOOR_MS = 1_000;

/** The round trips of one link, and how long to wait for an answer on it: smoothed mean and deviation as in RFC 6298. */
export class RoundTrips {
  #mean = 0;
  #deviation = 0;
  #isMeasured = false;

  /** @param ms a round trip in which we were not held up ourselves */
  measured(ms: number): void {
    if (this.#isMeasured) {
      this.#deviation += (Math.abs(this.#mean - ms) - this.#deviation) / 4;
      this.#mean += (ms - this.#mean) / 8;
    } else {
      this.#isMeasured = true;
      this.#mean = ms;
      this.#deviation = ms / 2;
    }
  }

  /** How long an answer may take, milliseconds, at most `longestMs`. */
  timeoutMs(longestMs: number): number {
    const needed = this.#isMeasured ? Math.max(FLOOR_MS, this.#mean + 4 * this.#deviation) : UNMEASURED_MS;
    return Math.min(needed, longestMs);
  }
}
