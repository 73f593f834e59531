import { Heap } from '../base/heap.js';
import type { OriginId } from '../base/ids.js';
import { compareWrites } from '../data/entry.js';
import { type Intervals, subtract } from '../data/intervals.js';
import type { VersionVector } from '../data/version-vector.js';
import type { Bucket } from './bucket.js';
import type { DotOrder, DotRow, View } from './view.js';

type Row = DotRow & { readonly origin: OriginId };

/**
 * All standing dots of a bucket outside `covered`, and below `beyond` for the origins named there, superseders first:
 * greatest write first, or least first where the older write supersedes (rule 5). One cursor for each origin that has
 * any, merged by a heap. Exact, because stamps rise with seq within an origin.
 */
export class DeltaScan {
  readonly #heap: Heap<{ row: Row; rest: Iterator<Row> }>;

  constructor(
    view: View,
    bucket: Bucket,
    covered: VersionVector,
    beyond: ReadonlyMap<OriginId, number> = new Map(),
  ) {
    const sign = bucket.policy.superseder === 'newer' ? 1 : -1;
    const order = bucket.policy.superseder === 'newer' ? 'falling' : 'rising';
    this.#heap = new Heap((a, b) => sign * compareWrites(a.row, b.row) > 0);
    for (const [origin, set] of bucket.vector.entries()) {
      const gaps = below(subtract(set, covered.get(origin)), beyond.get(origin));
      if (gaps.length > 0) this.#advance(rowsIn(view, bucket, origin, gaps, order));
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

function* rowsIn(
  view: View,
  bucket: Bucket,
  origin: OriginId,
  gaps: Intervals,
  order: DotOrder,
): Iterator<Row> {
  for (let i = 0; i < gaps.length; i += 2) {
    const at = order === 'rising' ? i : gaps.length - 2 - i;
    const [lo, hi] = [gaps[at] as number, gaps[at + 1] as number];
    for (const { seq, stamp, key } of view.dots(bucket.name, origin, lo, hi, order))
      yield { origin, seq, stamp, key };
  }
}
