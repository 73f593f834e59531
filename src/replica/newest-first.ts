import { Heap } from '../base/heap.js';
import type { OriginId } from '../base/ids.js';
import { compareWrites } from '../data/entry.js';
import { type Intervals, subtract } from '../data/intervals.js';
import type { VersionVector } from '../data/version-vector.js';
import type { Bucket } from './bucket.js';
import type { DotRow, View } from './view.js';

type Row = DotRow & { readonly origin: OriginId };

/**
 * All standing dots of a bucket outside `covered`, and below `beyond` for the origins named there, greatest write
 * first: one descending cursor for each origin that has any, merged by a heap. Exact, because stamps rise with seq
 * within an origin.
 */
export class NewestFirst {
  readonly #heap = new Heap<{ row: Row; rest: Iterator<Row> }>((a, b) => compareWrites(a.row, b.row) > 0);

  constructor(
    view: View,
    bucket: Bucket,
    covered: VersionVector,
    beyond: ReadonlyMap<OriginId, number> = new Map(),
  ) {
    for (const [origin, set] of bucket.vector.entries()) {
      const gaps = below(subtract(set, covered.get(origin)), beyond.get(origin));
      if (gaps.length > 0) this.#advance(descend(view, bucket, origin, gaps));
    }
  }

  next(): Row | undefined {
    const top = this.#heap.pop();
    if (top) this.#advance(top.rest);
    return top?.row;
  }

  #advance(rest: Iterator<Row>): void {
    const step = rest.next();
    if (!step.done) this.#heap.push({ row: step.value, rest });
  }

  /** Ends the cursors that are still open. */
  close(): void {
    for (let left = this.#heap.pop(); left; left = this.#heap.pop()) left.rest.return?.();
  }
}

const below = (set: Intervals, limit: number | undefined): Intervals =>
  limit === undefined ? set : subtract(set, [limit, Number.MAX_SAFE_INTEGER]);

function* descend(view: View, bucket: Bucket, origin: OriginId, gaps: Intervals): Iterator<Row> {
  for (let i = gaps.length - 2; i >= 0; i -= 2) {
    const [lo, hi] = [gaps[i] as number, gaps[i + 1] as number];
    for (const { seq, stamp, key } of view.dots(bucket.name, origin, lo, hi))
      yield { origin, seq, stamp, key };
  }
}
