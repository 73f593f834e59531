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

interface Arrived extends Dot, Arrival {}

/** By key. */
interface Remembered {
  /** What came since the history began. */
  readonly standing: RecentMap<string, readonly Arrived[]>;
  /** Last replaced first. */
  readonly losers: RecentMap<string, readonly Loser[]>;
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

/**
 * How what stands under a key came about, as far as this peer saw it since its start, for the keys of each bucket that
 * changed last. It is told of each change; a write that was beaten before it came never stood here and is not in it.
 */
export class History {
  readonly #least: number;
  readonly #buckets = new Map<string, Remembered>();

  /** @param keys how many to remember of a bucket at least */
  constructor(keys = KEYS) {
    this.#least = keys;
  }

  /** @param at milliseconds since 1970 */
  add({ bucket, entry, before, cell, from }: Change, at: number): void {
    const { standing, losers } = this.#of(bucket);
    const { key } = entry;
    // Most keys are new: of nothing that stood there nothing is known.
    const known = before.length === 0 ? NONE : (standing.get(key) ?? NONE);
    const stands: Arrived[] = [];
    for (const one of cell.length > MAX_STANDING ? cell.slice(-MAX_STANDING) : cell) {
      const isNew = isSameDot(one, entry);
      const arrived = isNew ? { origin: one.origin, seq: one.seq, at, from } : find(known, one);
      if (arrived) stands.push(arrived);
    }
    standing.set(key, stands);
    const gone = without(before, cell).slice(-MAX_LOSERS).reverse();
    if (gone.length === 0) return;
    const replaced = gone.map((old) => loserOf(old, arrivalIn(known, old), at));
    losers.set(key, [...replaced, ...(losers.get(key) ?? [])].slice(0, MAX_LOSERS));
  }

  #of(bucket: string): Remembered {
    let keys = this.#buckets.get(bucket);
    if (!keys) {
      keys = { standing: new RecentMap(this.#least), losers: new RecentMap(this.#least) };
      this.#buckets.set(bucket, keys);
    }
    return keys;
  }

  /** `undefined` when the write did not come since the start, or too many other keys have changed since. */
  arrivalOf(bucket: string, key: string, dot: Dot): Arrival | undefined {
    return arrivalIn(this.#buckets.get(bucket)?.standing.get(key) ?? NONE, dot);
  }

  /** What was replaced under this key, the last first. */
  losersOf(bucket: string, key: string): readonly Loser[] {
    return this.#buckets.get(bucket)?.losers.get(key) ?? [];
  }
}

const NONE: readonly Arrived[] = [];

const find = (known: readonly Arrived[], dot: Dot): Arrived | undefined =>
  known.find((one) => isSameDot(one, dot));

function arrivalIn(known: readonly Arrived[], dot: Dot): Arrival | undefined {
  const arrived = find(known, dot);
  return arrived && { at: arrived.at, from: arrived.from };
}

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
