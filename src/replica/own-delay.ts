/** The ordinary course of an event loop, milliseconds: gaps up to this are not held against it. */
const USUAL_MS = 50;

/**
 * How long this process itself was held up: stopped, starved of the processor, or busy with something else. Time that it
 * slept through says nothing about others, so their time-outs run on a clock that stands still meanwhile. (The thought
 * is Lifeguard's local health: Dadgar, Phillips and Currey, 2018; there time-outs are multiplied, here they pause.)
 */
export class OwnDelay {
  #lostMs = 0;
  #handledAt = 0;
  #wakeAt = Infinity;

  /** An input is about to be handled: it should have been no later than the wake that was asked for. */
  handling(now: number): void {
    const late = now - Math.max(this.#wakeAt, this.#handledAt);
    if (late > USUAL_MS) this.#lostMs += late;
    this.#handledAt = now;
  }

  /** The input was handled, and the replica is to be woken then. */
  handled(wakeAt: number): void {
    this.#wakeAt = wakeAt;
  }

  /** What the clock of this process's own waking hours shows at `now`, milliseconds. */
  awake(now: number): number {
    return now - this.#lostMs;
  }

  /** When, if it is not held up again, that clock shows `awake`. */
  until(awake: number): number {
    return awake + this.#lostMs;
  }
}
