import type { BucketName } from '../../base/ids.js';
import { isLive } from '../../data/cell.js';
import { STAMP_ZERO } from '../../data/stamp.js';
import type { CellSlot } from '../layered-view.js';
import { RangeSums } from '../range-sums.js';
import { Recount } from '../recount.js';
import { Tables } from '../tables.js';
import { isUnreadable } from '../unreadable.js';
import type { Disk } from './disk.js';

/** Cells for one transaction: what is in memory at a time. */
const SLICE = 5_000;

/** Makes what layout 1 did not have: the index of tombstones, the range sums, and the totals with their count. */
export async function indexCells(disk: Disk): Promise<void> {
  for (const bucket of disk.bucketNames()) await indexBucket(disk, bucket);
}

async function indexBucket(disk: Disk, bucket: BucketName): Promise<void> {
  const counted = new Recount();
  let after: string | undefined = '';
  while (after !== undefined) {
    const layer = new Tables(() => undefined);
    const sums = new RangeSums();
    const last: string | undefined = indexSlice(disk, { bucket, after }, ({ cell }) => {
      counted.add(cell, sums);
      const readable = cell.filter((entry) => !isUnreadable(entry));
      for (const entry of readable) if (!isLive(entry)) layer.indexTombstone(bucket, entry);
    });
    layer.correct(counted.totals(bucket, STAMP_ZERO), sums);
    await disk.write(layer);
    after = last;
  }
}

/** Cell by cell, as they may be large. @returns the last key when there may be more above it */
function indexSlice(
  disk: Disk,
  { bucket, after }: { bucket: BucketName; after: string },
  index: (slot: CellSlot) => void,
): string | undefined {
  let count = 0;
  for (const slot of disk.cells(bucket, { after })) {
    index(slot);
    if (++count === SLICE) return slot.key;
  }
  return undefined;
}
