import type { Random } from '../../../../src/base/random.js';
import type { Caller } from '../clients.js';
import type { Snapshot } from '../snapshot.js';
import { type Book, isAcked, isRefused, millisOf, upsert, writtenBy } from './book.js';

const KEYS = 120;
const DELETES = 0.3;
/** How far stamps may run ahead of the machine's clock, milliseconds. */
const AHEAD_MS = 1000;

interface History {
  /** The greatest acknowledged write; `null` is a delete. */
  last: { readonly stamp: string; readonly value: string | null } | undefined;
  /** Values whose writes were not answered. */
  readonly unsure: Set<string>;
  /** The same of deletes: until when one may have been done. */
  readonly unsureDeletes: { end: number }[];
}

/** Sets and deletes of keys again and again: what stands at the end is the greatest write of its key. */
export class LwwBook implements Book {
  readonly #keys = new Map<string, History>();
  #n = 0;

  async act(caller: Caller, random: Random): Promise<void> {
    const key = `k${random.integer(0, KEYS - 1)}`;
    const history = upsert(this.#keys, key, () => ({
      last: undefined,
      unsure: new Set<string>(),
      unsureDeletes: [],
    }));
    const isDelete = random.float() < DELETES;
    const value = isDelete ? null : `${caller.name}:${++this.#n}:${'x'.repeat(random.integer(0, 300))}`;
    const attempt = value === null ? await caller.call('delete', key) : await caller.call('set', key, value);
    const written = writtenBy(attempt);
    if (written && !(history.last && history.last.stamp > written.stamp))
      history.last = { ...written, value };
    if (isAcked(attempt) || isRefused(attempt)) return;
    if (value === null) history.unsureDeletes.push(attempt);
    else history.unsure.add(value);
  }

  judge({ rows }: Snapshot): string[] {
    const faults = [...rows.default.keys()]
      .filter((key) => !this.#keys.has(key))
      .map((key) => `${key}: from nowhere`);
    for (const [key, { last, unsure, unsureDeletes }] of this.#keys) {
      const row = rows.default.get(key);
      const known = last ? `${last.stamp} ${String(last.value)}` : 'nothing';
      if (!row) {
        const isDeleted =
          typeof last?.value !== 'string' ||
          unsureDeletes.some(({ end }) => end + AHEAD_MS >= millisOf(last.stamp));
        if (!isDeleted) faults.push(`lww ${key}: lost ${known}`);
      } else if (unsure.has(String(row.value))) {
        if (last && row.stamp < last.stamp)
          faults.push(`lww ${key}: older than ${known}: ${JSON.stringify(row)}`);
      } else if (row.stamp !== last?.stamp || row.value !== last.value) {
        faults.push(`lww ${key}: not ${known} but ${JSON.stringify(row)}`);
      }
    }
    return faults;
  }
}
