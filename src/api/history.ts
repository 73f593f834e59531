import type { Dot } from '../data/dot.js';
import type { Entry } from '../data/entry.js';
import type { Stamp } from '../data/stamp.js';
import type { Change, Source } from '../replica/step.js';

/** Keys that are remembered: those that changed last. */
const MAX_KEYS = 10_000;
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

/** A write without the bulk of its value. */
export interface Sketch extends Dot {
  readonly stamp: Stamp;
  /** The first 200 bytes of its JSON text at most; `null` of a delete. */
  readonly preview: Uint8Array | null;
  /** Bytes of the whole text, 0 of a delete. */
  readonly bytes: number;
  /** `undefined` when it was here before the history began. */
  readonly arrival: Arrival | undefined;
}

/** A write that stood here and was replaced. */
export interface Loser extends Sketch {
  /** Milliseconds since 1970. */
  readonly replacedAt: number;
}

interface Remembered {
  readonly standing: readonly Sketch[];
  /** Last replaced first. */
  readonly losers: readonly Loser[];
}

/**
 * How what stands under a key came about, as far as this peer saw it since its start, for the keys that changed last. It
 * is told of each change; a write that was beaten before it came never stood here and is not in it.
 */
export class History {
  /** In the order of their last changes. */
  readonly #keys = new Map<string, Remembered>();
  readonly #maxKeys: number;

  constructor(maxKeys = MAX_KEYS) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** @param at milliseconds since 1970 */
  add({ bucket, entry, cell, from }: Change, at: number): void {
    const id = idOf(bucket, entry.key);
    const { standing: before, losers } = this.#keys.get(id) ?? NOTHING;
    const standing = cell.slice(-MAX_STANDING).map((one) => {
      const arrival = isSame(one, entry) ? { at, from } : before.find((old) => isSame(old, one))?.arrival;
      return sketchOf(one, arrival);
    });
    const replaced = before
      .filter((old) => !cell.some((one) => isSame(old, one)))
      .map((old) => ({ ...old, replacedAt: at }));
    // Set anew, it stands last in the map's order.
    this.#keys.delete(id);
    this.#keys.set(id, { standing, losers: [...replaced.reverse(), ...losers].slice(0, MAX_LOSERS) });
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > this.#maxKeys && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** `undefined` when the write did not come since the start, or too many other keys have changed since. */
  arrivalOf(bucket: string, key: string, dot: Dot): Arrival | undefined {
    return this.#keys.get(idOf(bucket, key))?.standing.find((one) => isSame(one, dot))?.arrival;
  }

  /** What was replaced under this key, the last first. */
  losersOf(bucket: string, key: string): readonly Loser[] {
    return this.#keys.get(idOf(bucket, key))?.losers ?? [];
  }
}

const NOTHING: Remembered = { standing: [], losers: [] };

/** Names of buckets hold no slash. */
const idOf = (bucket: string, key: string): string => `${bucket}/${key}`;

const isSame = (a: Dot, b: Dot): boolean => a.seq === b.seq && a.origin === b.origin;

/** A copy of the beginning: a part of the value itself would keep all of it in memory. */
const sketchOf = ({ origin, seq, stamp, value }: Entry, arrival: Arrival | undefined): Sketch => ({
  origin,
  seq,
  stamp,
  preview: value && Uint8Array.from(value.subarray(0, PREVIEW_BYTES)),
  bytes: value?.length ?? 0,
  arrival,
});
