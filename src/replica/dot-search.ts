import type { OriginId } from '../base/ids.js';
import { isLive } from '../data/cell.js';
import type { Dot } from '../data/dot.js';
import type { Entry } from '../data/entry.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import type { Turn } from './turn.js';
import type { DotRow, View } from './view.js';

/** Rows of the dot index looked at in one turn: a few milliseconds. */
const SLICE = 4_000;
/** Keys whose search ends in one turn. */
const ENDED = 50;

export type IndexedDot = Dot & DotRow;

/** What came of a search: the dots that the index names under the key. */
export type OnSearched = (turn: Turn, bucket: Bucket, key: string, dots: readonly IndexedDot[]) => void;

interface Search {
  readonly bucket: Bucket;
  /** What was found so far, by key. */
  readonly found: Map<string, IndexedDot[]>;
  /** The origins that are still to be looked through, the next one last, and from which seq on. */
  readonly origins: OriginId[];
  after: number;
}

/**
 * Looks up which dots a row held that cannot be read. There is no index for that, so the whole dot index is read, slice
 * by slice, once for all such rows of a bucket; those that come to light meanwhile wait for the next time.
 */
export class DotSearch {
  readonly #core: Core;
  readonly #onSearched: OnSearched;
  #at: Search | undefined;

  constructor(core: Core, onSearched: OnSearched) {
    this.#core = core;
    this.#onSearched = onSearched;
  }

  get isBusy(): boolean {
    for (const { damages } of this.#core.buckets.values()) if (damages.unread.size > 0) return true;
    return false;
  }

  /** The next slice. The store must show all that the turn knows. */
  wake(turn: Turn): void {
    this.#at ??= this.#begin();
    if (this.#at && this.#look(this.#at)) this.#end(turn, this.#at);
  }

  #begin(): Search | undefined {
    for (const bucket of this.#core.buckets.values()) {
      const { vector, damages } = bucket;
      if (damages.unread.size === 0) continue;
      const found = new Map([...damages.unread.keys()].map((key) => [key, []]));
      return { bucket, found, origins: [...vector.entries()].map(([origin]) => origin), after: 0 };
    }
    return undefined;
  }

  /** @returns whether all was looked at */
  #look(at: Search): boolean {
    const { view } = this.#core;
    let left = SLICE;
    for (let origin = at.origins.at(-1); origin !== undefined; origin = at.origins.at(-1)) {
      for (const row of view.dots(at.bucket.name, origin, at.after + 1, Number.MAX_SAFE_INTEGER, 'rising')) {
        at.after = row.seq;
        at.found.get(row.key)?.push({ ...row, origin });
        if (--left === 0) return false;
      }
      at.origins.pop();
      at.after = 0;
    }
    return true;
  }

  #end(turn: Turn, at: Search): void {
    const { bucket, found } = at;
    for (const [key, dots] of [...found].slice(0, ENDED)) {
      found.delete(key);
      // Some may have been superseded since they were found.
      const still = dots.filter((dot) => rowAt(this.#core.view, bucket, dot)?.key === key);
      this.#onSearched(turn, bucket, key, still);
    }
    if (found.size === 0) this.#at = undefined;
  }
}

/** The row of the dot index for one dot. */
export function rowAt(view: View, bucket: Bucket, { origin, seq }: Dot): DotRow | undefined {
  for (const row of view.dots(bucket.name, origin, seq, seq, 'rising')) return row;
  return undefined;
}

/** Whether the tombstone with this dot has its row in the index of tombstones. */
export function isTombstoneAt(view: View, { name }: Bucket, { origin, seq }: Dot): boolean {
  for (const row of view.tombstones(name, origin, seq, seq)) return row.seq === seq;
  return false;
}

/** Whether a standing entry has all rows in the indexes that it must have: others find it by those alone. */
export const isIndexed = (view: View, bucket: Bucket, entry: Entry): boolean =>
  rowAt(view, bucket, entry) !== undefined && (isLive(entry) || isTombstoneAt(view, bucket, entry));
