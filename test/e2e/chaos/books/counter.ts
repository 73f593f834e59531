import type { Random } from '../../../../src/base/random.js';
import type { Attempt, Caller } from '../clients.js';
import type { Snapshot } from '../snapshot.js';
import { type Book, isAcked, isRefused, upsert } from './book.js';

const KEYS = 12;
/** Keys that are also deleted, and only incremented. */
const DELETED_KEYS = 6;
const DELETES = 0.1;

interface Step {
  readonly attempt: Attempt;
  readonly by: number;
}

interface History {
  readonly steps: Step[];
  readonly deletes: Attempt[];
}

/** Increments and decrements everywhere: the value is their sum, give or take those without an answer. */
export class CounterBook implements Book {
  readonly #keys = new Map<string, History>();

  async act(caller: Caller, random: Random): Promise<void> {
    const number = random.integer(0, KEYS + DELETED_KEYS - 1);
    const isDeletable = number >= KEYS;
    const key = `${isDeletable ? 'd' : 'c'}${number}`;
    const { steps, deletes } = upsert(this.#keys, key, () => ({ steps: [], deletes: [] }));
    const options = { bucket: 'sums' };
    if (isDeletable && random.float() < DELETES) {
      const attempt = await caller.call('delete', key, options);
      if (!isRefused(attempt)) deletes.push(attempt);
      return;
    }
    const by = random.integer(isDeletable ? 1 : -9, 9);
    const attempt =
      by < 0 ? await caller.call('decr', key, -by, options) : await caller.call('incr', key, by, options);
    if (!isRefused(attempt)) steps.push({ attempt, by });
  }

  judge({ rows }: Snapshot): string[] {
    const faults = [...rows.sums.keys()]
      .filter((key) => !this.#keys.has(key))
      .map((key) => `${key}: from nowhere`);
    for (const [key, history] of this.#keys) {
      const value = Number(rows.sums.get(key)?.value ?? 0);
      const [least, most] = boundsOf(history);
      if (!(value >= least && value <= most))
        faults.push(`counter ${key}: ${value} is not within ${least} and ${most}`);
    }
    return faults;
  }
}

/** An increment that began when the last delete was over counts for certain; one that was before it may count or not. */
function boundsOf({ steps, deletes }: History): [least: number, most: number] {
  const deletedAt = Math.max(-Infinity, ...deletes.map(({ end }) => end));
  let [least, most] = [0, 0];
  for (const { attempt, by } of steps) {
    const isCertain = isAcked(attempt) && attempt.start > deletedAt;
    if (by < 0 || isCertain) least += by;
    if (by > 0 || isCertain) most += by;
  }
  return [least, most];
}
