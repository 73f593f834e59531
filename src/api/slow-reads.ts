import { setImmediate as nextTurn } from 'node:timers/promises';
import { RumeurError } from '../base/errors.js';
import type { Soon } from './service.js';

/** Reads under way that take several turns; each may hold some 8 MiB. */
const MOST = 16;

/** Cells that a slow read looks at in one turn of the event loop. */
export const CELLS_A_TURN = 4000;

/** Lets reads that would hold up the event loop go on in later turns. */
export class SlowReads {
  #running = 0;

  /**
   * Runs `work`, which yields where it may be held; at once to its end where it never does. What it reads after that is of
   * a later state of the store.
   * @throws `OVERLOADED`
   */
  run<T>(work: Generator<undefined, T, undefined>): Soon<T> {
    const first = work.next();
    if (first.done === true) return first.value;
    if (this.#running < MOST) return this.#goOn(work);
    throw new RumeurError(
      'OVERLOADED',
      `${MOST} reads of very large sets are under way, which is the limit`,
      {
        hint: 'wait for some of them; smembers reads a set in pages',
      },
    );
  }

  async #goOn<T>(work: Generator<undefined, T, undefined>): Promise<T> {
    this.#running++;
    try {
      for (;;) {
        await nextTurn();
        const step = work.next();
        if (step.done === true) return step.value;
      }
    } finally {
      this.#running--;
    }
  }
}
