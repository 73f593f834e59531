import type { Random } from '../../../../src/base/random.js';
import type { Caller } from '../clients.js';
import type { Snapshot } from '../snapshot.js';
import { type Book, isAcked, isRefused, upsert, writtenBy } from './book.js';

/** New keys end here: the bucket only grows. */
const KEYS = 2000;
/** How many keys clients contend for at a time. */
const CONTENDED = 6;

interface History {
  readonly acked: { readonly stamp: string; readonly value: string }[];
  readonly unsure: Set<string>;
}

/** Several clients write each key: the first write stands. */
export class FwwBook implements Book {
  readonly #keys = new Map<string, History>();
  #n = 0;

  async act(caller: Caller, random: Random): Promise<void> {
    const key = `f${(Math.floor(++this.#n / 3) + random.integer(0, CONTENDED)) % KEYS}`;
    const value = `${caller.name}:${this.#n}`;
    const attempt = await caller.call('set', key, value, { bucket: 'first' });
    const { acked, unsure } = upsert(this.#keys, key, () => ({ acked: [], unsure: new Set<string>() }));
    const written = writtenBy(attempt);
    if (written) acked.push({ ...written, value });
    if (!isAcked(attempt) && !isRefused(attempt)) unsure.add(value);
  }

  judge({ rows }: Snapshot): string[] {
    const faults = [...rows.first.keys()]
      .filter((key) => !this.#keys.has(key))
      .map((key) => `${key}: from nowhere`);
    for (const [key, { acked, unsure }] of this.#keys) {
      const row = rows.first.get(key);
      const first = acked.reduce<string | undefined>(
        (least, { stamp }) => (least !== undefined && least < stamp ? least : stamp),
        undefined,
      );
      if (!row) {
        if (first !== undefined) faults.push(`fww ${key}: lost ${JSON.stringify(acked)}`);
        continue;
      }
      const isOneOfOurs =
        unsure.has(String(row.value)) ||
        acked.some(({ stamp, value }) => stamp === row.stamp && value === row.value);
      if (!isOneOfOurs || (first !== undefined && row.stamp > first))
        faults.push(`fww ${key}: not the first of ${JSON.stringify(acked)} but ${JSON.stringify(row)}`);
    }
    return faults;
  }
}
