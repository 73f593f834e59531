import type { OriginId } from '../base/ids.js';
import { standing } from '../data/cell.js';
import { isSound } from '../data/entry.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import { isIndexed } from './dot-search.js';
import { readingCost, SLICE_COST } from './slice.js';
import type { Turn } from './turn.js';
import type { RangeLevel } from './view.js';

/** To look an entry up in the indexes costs about as much as to read it. */
const LOOKED_UP = 2;

/** Where the audit stands in a bucket: first all cells, by key; then the dot index, by origin and seq; then the sums. */
interface Position {
  readonly bucket: Bucket;
  after: string | undefined;
  readonly origins: OriginId[];
  seq: number;
  readonly sums: { readonly origins: OriginId[]; level: RangeLevel; index: number };
}

/** Rows that the indexes of a bucket must have are not there. */
type OnUnsound = (turn: Turn, bucket: Bucket) => void;

/**
 * Reads the whole store, slowly, again and again: a damaged row is taken out by being read, a row that is gone is still
 * named by the dot index, and a row that an index has lost is missed by its entry.
 */
export class Audit {
  readonly #core: Core;
  readonly #onUnsound: OnUnsound;
  #at: Position | undefined;
  #dueAt: number;
  #passedAt: number | undefined;

  constructor(core: Core, onUnsound: OnUnsound) {
    this.#core = core;
    this.#onUnsound = onUnsound;
    this.#dueAt = core.options.auditMs > 0 ? -Infinity : Infinity;
  }

  /** When all of the store had been read last, milliseconds since 1970. */
  get passedAt(): number | undefined {
    return this.#passedAt;
  }

  wake(turn: Turn): void {
    if (this.#dueAt === -Infinity) this.#dueAt = turn.now + this.#core.options.auditMs;
    if (turn.now < this.#dueAt || turn.wrote) return;
    this.#dueAt = turn.now + this.#core.options.auditMs;
    const buckets = [...this.#core.buckets.values()];
    const at = (this.#at ??= begin(buckets[0]));
    if (!at) return;
    if (at.after !== undefined) this.#cells(turn, at);
    else if (at.origins.length > 0) this.#dots(turn, at);
    else if (this.#sums(at)) this.#at = this.#next(turn, buckets, buckets.indexOf(at.bucket) + 1);
  }

  #next(turn: Turn, buckets: readonly Bucket[], next: number): Position | undefined {
    if (next === buckets.length) this.#passedAt = turn.wall;
    return begin(buckets[next % buckets.length]);
  }

  #cells(turn: Turn, at: Position): void {
    const { bucket } = at;
    const { view } = this.#core;
    let left = SLICE_COST;
    let isSoundSoFar = !bucket.damages.isUnsettled;
    for (const cell of view.cells(bucket.name, { after: at.after ?? '' })) {
      const key = cell[0]?.key;
      if (key === undefined) continue;
      at.after = key;
      if (!cell.every(isSound)) {
        turn.get(bucket, key);
      } else if (isSoundSoFar && !cell.every((entry) => isIndexed(view, bucket, entry))) {
        this.#onUnsound(turn, bucket);
        isSoundSoFar = false;
      }
      left -= LOOKED_UP * readingCost(cell);
      if (left <= 0) return;
    }
    at.after = undefined;
  }

  #dots(turn: Turn, at: Position): void {
    const { bucket, origins } = at;
    let left = SLICE_COST;
    for (let origin = origins.at(-1); origin !== undefined; origin = origins.at(-1)) {
      const rows = this.#core.view.dots(bucket.name, origin, at.seq + 1, Number.MAX_SAFE_INTEGER, 'rising');
      for (const { seq, key } of rows) {
        at.seq = seq;
        const dot = { origin, seq };
        const cell = turn.get(bucket, key);
        // What a damaged row held was uncovered when it was taken out.
        if (!standing(cell, dot) && bucket.vector.covers(dot)) turn.distrust(bucket, key, dot);
        left -= Math.max(1, readingCost(cell));
        if (left <= 0) return;
      }
      origins.pop();
      at.seq = 0;
    }
  }

  /** To read them is enough: the store tells of rows that it passes over. @returns whether all have been read */
  #sums({ bucket, sums }: Position): boolean {
    let left = SLICE_COST;
    for (let origin = sums.origins.at(-1); origin !== undefined; origin = sums.origins.at(-1)) {
      const rows = this.#core.view.ranges(
        bucket.name,
        origin,
        sums.level,
        sums.index,
        Number.MAX_SAFE_INTEGER,
      );
      for (const { index } of rows) {
        sums.index = index + 1;
        if (--left <= 0) return false;
      }
      if (sums.level === 2) sums.origins.pop();
      sums.level = sums.level === 0 ? 1 : sums.level === 1 ? 2 : 0;
      sums.index = 0;
    }
    return true;
  }

  nextWakeAt(now: number): number {
    return this.#dueAt === -Infinity ? now : this.#dueAt;
  }
}

function begin(bucket: Bucket | undefined): Position | undefined {
  if (!bucket) return undefined;
  const origins = [...bucket.vector.entries()].map(([origin]) => origin);
  return { bucket, after: '', origins, seq: 0, sums: { origins: [...origins], level: 0, index: 0 } };
}
