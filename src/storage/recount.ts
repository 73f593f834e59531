import type { BucketName } from '../base/ids.js';
import { type Cell, hasLive, isLive } from '../data/cell.js';
import { Fingerprint } from '../data/fingerprint.js';
import type { Stamp } from '../data/stamp.js';
import type { Totals } from '../replica/batch.js';
import type { RangeSums } from './range-sums.js';
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
