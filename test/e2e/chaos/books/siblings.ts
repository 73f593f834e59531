import type { Random } from '../../../../src/base/random.js';
import type { Attempt, Caller } from '../clients.js';
import type { Snapshot } from '../snapshot.js';
import { type Book, isAcked, isRefused, upsert, writtenBy } from './book.js';

const KEYS = 20;
const DELETES = 0.2;
/** Writes without a context: they have seen what their peer holds, which is not known here. */
const BLIND = 0.1;

interface Write {
  readonly attempt: Attempt;
  readonly value: string | null;
  /** The values that its context had seen; `undefined` of one without a context. */
  readonly seen: readonly string[] | undefined;
  /** Whether something came of it for certain. */
  readonly isDone: boolean;
}

/** Clients read a cart and write it with the context of what they read: what nobody has seen stays. */
export class SiblingsBook implements Book {
  readonly #keys = new Map<string, Write[]>();
  #n = 0;

  async act(caller: Caller, random: Random): Promise<void> {
    const key = `cart${random.integer(0, KEYS - 1)}`;
    const { ack } = await caller.call('get', key, { bucket: 'carts', siblings: true });
    if (ack?.ok !== true) return;
    const context = random.float() < BLIND ? undefined : (ack.context ?? undefined);
    const options = { bucket: 'carts', ...(context === undefined ? {} : { context }) };
    const value = random.float() < DELETES ? null : `${caller.name}:${++this.#n}`;
    const attempt =
      value === null
        ? await caller.call('delete', key, options)
        : await caller.call('set', key, value, options);
    const hasDoneNothing = isRefused(attempt) || (isAcked(attempt) && !writtenBy(attempt));
    if (hasDoneNothing) return;
    const seen = context === undefined ? undefined : (ack.value as string[]);
    upsert(this.#keys, key, () => []).push({ attempt, value, seen, isDone: isAcked(attempt) });
  }

  judge({ siblings, rows }: Snapshot): string[] {
    const faults = [...rows.carts.keys()]
      .filter((key) => !this.#keys.has(key))
      .map((key) => `${key}: from nowhere`);
    for (const [key, writes] of this.#keys) {
      const standing = new Set(siblings.get(key) ?? []);
      const known = new Set(writes.map(({ value }) => value));
      for (const value of standing)
        if (!known.has(value)) faults.push(`siblings ${key}: from nowhere ${value}`);
      for (const write of writes) faults.push(...this.#judge(key, write, writes, standing));
    }
    return faults;
  }

  #judge(key: string, write: Write, writes: readonly Write[], standing: ReadonlySet<string>): string[] {
    const { value, isDone } = write;
    if (value === null) return [];
    const replacers = writes.filter((other) => other !== write && mayHaveSeen(other, write));
    if (standing.has(value)) {
      const certain = replacers.find((other) => other.isDone && other.seen?.includes(value) === true);
      return certain
        ? [`siblings ${key}: ${value} stands although ${String(certain.value)} replaced it`]
        : [];
    }
    return isDone && replacers.length === 0 ? [`siblings ${key}: lost ${value}, which nothing replaced`] : [];
  }
}

const mayHaveSeen = ({ seen, attempt }: Write, { value, attempt: earlier }: Write): boolean =>
  seen ? value !== null && seen.includes(value) : earlier.start <= attempt.end;
