import type { OriginId } from '../base/ids.js';
import { standing } from '../data/cell.js';
import { isSound } from '../data/entry.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import { readingCost, SLICE_COST } from './slice.js';
import type { Turn } from './turn.js';

/** Where the audit stands in a bucket: first all cells, by key; then the dot index, by origin and seq. */
interface Position {
  readonly bucket: Bucket;
  after: string | undefined;
  readonly origins: OriginId[];
  seq: number;
}

/**
 * Reads the whole store, slowly, again and again: a damaged row is taken out by being read, and a row that is gone is
 * still named by the dot index.
 */
export class Audit {
  readonly #core: Core;
  #at: Position | undefined;
  #dueAt: number;

  constructor(core: Core) {
    this.#core = core;
    this.#dueAt = core.options.auditMs > 0 ? -Infinity : Infinity;
  }

  wake(turn: Turn): void {
    if (this.#dueAt === -Infinity) this.#dueAt = turn.now + this.#core.options.auditMs;
    if (turn.now < this.#dueAt || turn.wrote) return;
    this.#dueAt = turn.now + this.#core.options.auditMs;
    const buckets = [...this.#core.buckets.values()];
    const at = (this.#at ??= begin(buckets[0]));
    if (!at) return;
    const isDone = at.after === undefined ? this.#dots(turn, at) : this.#cells(turn, at);
    if (isDone) this.#at = begin(buckets[(buckets.indexOf(at.bucket) + 1) % buckets.length]);
  }

  #cells(turn: Turn, at: Position): boolean {
    let left = SLICE_COST;
    for (const cell of this.#core.view.cells(at.bucket.name, { after: at.after ?? '' })) {
      const key = cell[0]?.key;
      if (key === undefined) continue;
      at.after = key;
      if (!cell.every(isSound)) turn.get(at.bucket, key);
      left -= readingCost(cell);
      if (left <= 0) return false;
    }
    at.after = undefined;
    return false;
  }

  #dots(turn: Turn, at: Position): boolean {
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
        if (left <= 0) return false;
      }
      origins.pop();
      at.seq = 0;
    }
    return true;
  }

  nextWakeAt(now: number): number {
    return this.#dueAt === -Infinity ? now : this.#dueAt;
  }
}

const begin = (bucket: Bucket | undefined): Position | undefined =>
  bucket && { bucket, after: '', origins: [...bucket.vector.entries()].map(([origin]) => origin), seq: 0 };
