import type { BucketName } from '../base/ids.js';
import { type Cell, hasLive, isLive } from '../data/cell.js';
import { Fingerprint } from '../data/fingerprint.js';
import { type Stamp, STAMP_ZERO } from '../data/stamp.js';
import type { Totals } from '../replica/batch.js';
import type { LayeredView } from './layered-view.js';
import { RANGE_LEVELS, RangeSums } from './range-sums.js';
import { isUnreadable } from './unreadable.js';

/** Counts what stands in the cells of a bucket; cells that cannot be read count nothing. */
export class Recount {
  readonly #hash = Fingerprint.empty();
  #keys = 0;
  #tombstones = 0;

  /** @param sums gets the live entries */
  add(cell: Cell, sums: RangeSums): void {
    if (hasLive(cell)) this.#keys++;
    for (const entry of cell) {
      if (isUnreadable(entry)) continue;
      if (isLive(entry)) {
        this.#hash.add(entry.digest);
        sums.add(entry);
      } else {
        this.#tombstones++;
      }
    }
  }

  totals(bucket: BucketName, droppedUpTo: Stamp): Totals {
    const [keys, tombstones, hash] = [this.#keys, this.#tombstones, this.#hash.toBytes()];
    return { bucket, keys, tombstones, droppedUpTo, hash };
  }
}

/** What the cells of a bucket say its totals are, and how much its range sums are off. */
export function recount(view: LayeredView, bucket: BucketName): { totals: Totals; missing: RangeSums } {
  const counted = new Recount();
  const missing = new RangeSums();
  for (const cell of view.cells(bucket, {})) counted.add(cell, missing);
  for (const origin of view.rangeOrigins(bucket)) {
    for (const level of RANGE_LEVELS) {
      const rows = view.ranges(bucket, origin, level, 0, Number.MAX_SAFE_INTEGER);
      for (const row of rows) missing.subtract(origin, level, row);
    }
  }
  return { totals: counted.totals(bucket, view.totals(bucket)?.droppedUpTo ?? STAMP_ZERO), missing };
}
