import { RecentMap } from '../base/recent-map.js';
import { without } from '../data/cell.js';
import { type Dot, isSameDot } from '../data/dot.js';
import type { Entry } from '../data/entry.js';
import type { Stamp } from '../data/stamp.js';
import type { Change, Source } from '../replica/step.js';

/** Keys that are remembered: at least those that changed last, at most twice as many. */
const KEYS = 5_000;
/** For each key: standing writes, the greatest, and replaced ones, the last. */
const MAX_STANDING = 8;
const MAX_LOSERS = 5;
/** Of each value only its beginning is kept. */
const PREVIEW_BYTES = 200;

/** When and how a write came to this peer. */
export interface Arrival {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `undefined`: it was written here. */
  readonly from: Source | undefined;
}

interface Arrived extends Dot {
  readonly arrival: Arrival;
}

/** A write that stood here and was replaced, without the bulk of its value. */
export interface Loser extends Dot {
  readonly stamp: Stamp;
  /** The first 200 bytes of its JSON text at most; `null` of a delete. */
  readonly preview: Uint8Array | null;
  /** Bytes of the whole text, 0 of a delete. */
  readonly bytes: number;
  /** `undefined` when it was here before the history began. */
  readonly arrival: Arrival | undefined;
  /** Milliseconds since 1970. */
  readonly replacedAt: number;
}

interface Remembered {
  /** What came since the history began. */
  readonly standing: readonly Arrived[];
  /** Last replaced first. */
  readonly losers: readonly Loser[];
}

/**
 * How what stands under a key came about, as far as this peer saw it since its start, for the keys that changed last. It
 * is told of each change; a write that was beaten before it came never stood here and is not in it.
 */
export class History {
  readonly #keys: RecentMap<string, Remembered>;

  /** @param keys how many to remember at least */
  constructor(keys = KEYS) {
    this.#keys = new RecentMap(keys);
  }

  /** @param at milliseconds since 1970 */
  add({ bucket, entry, before, cell, from }: Change, at: number): void {
    const id = idOf(bucket, entry.key);
    const { standing: known, losers } = this.#keys.get(id) ?? NOTHING;
    const arrivalOf = (one: Dot): Arrival | undefined => known.find((old) => isSameDot(old, one))?.arrival;
    const standing: Arrived[] = [];
    for (const one of cell.length > MAX_STANDING ? cell.slice(-MAX_STANDING) : cell) {
      const arrival = isSameDot(one, entry) ? { at, from } : arrivalOf(one);
      if (arrival) standing.push({ origin: one.origin, seq: one.seq, arrival });
    }
    const gone = without(before, cell).slice(-MAX_LOSERS).reverse();
    const replaced = gone.map((old) => loserOf(old, arrivalOf(old), at));
    const kept = replaced.length === 0 ? losers : [...replaced, ...losers].slice(0, MAX_LOSERS);
    this.#keys.set(id, { standing, losers: kept });
  }
  /** `undefined` when the write did not come since the start, or too many other keys have changed since. */
  arrivalOf(bucket: string, key: string, dot: Dot): Arrival | undefined {
    return this.#keys.get(idOf(bucket, key))?.standing.find((one) => isSameDot(one, dot))?.arrival;
  }

  /** What was replaced under this key, the last first. */
  losersOf(bucket: string, key: string): readonly Loser[] {
    return this.#keys.get(idOf(bucket, key))?.losers ?? [];
  }
}

const NOTHING: Remembered = { standing: [], losers: [] };

/** Names of buckets hold no slash. */
const idOf = (bucket: string, key: string): string => `${bucket}/${key}`;

/** With a copy of the beginning: a part of the value itself would keep all of it in memory. */
const loserOf = (
  { origin, seq, stamp, value }: Entry,
  arrival: Arrival | undefined,
  replacedAt: number,
): Loser => ({
  origin,
  seq,
  stamp,
  preview: value && Uint8Array.from(value.subarray(0, PREVIEW_BYTES)),
  bytes: value?.length ?? 0,
  arrival,
  replacedAt,
});
