import { resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RumeurError } from '../../base/errors.js';
import type { BucketName } from '../../base/ids.js';
import type { RowEngine } from '../rows.js';
import { DirectoryLock } from '../lock.js';
import { BucketCheck, type BucketReport } from './bucket-check.js';
import { Disk } from './disk.js';
import { engineIn } from '../engines.js';
import { toDiskError } from './errors.js';
import { GuardedRows } from './guarded-rows.js';
import { foreignFile, LAYOUT, noStore } from './layout.js';
import { readLayout } from './format.js';

export type { BucketReport, Problem, ProblemKind } from './bucket-check.js';

export interface StoreReport {
  readonly buckets: Readonly<Record<BucketName, BucketReport>>;
}

export interface VerifyProgress {
  readonly bucket: BucketName;
  /** Rows of cells and of the dot index, over all buckets. */
  readonly done: number;
  readonly total: number;
}

/** Rows between two reports of progress; in between the event loop stands still. */
const SLICE = 2_000;

/**
 * Checks a store that nobody uses: each entry against its digest, cells, dot index and tombstones against each other,
 * and the range sums, totals and state hash against the cells. Changes nothing in it: not its ids, not the mark and the
 * note that tell how it was closed. Takes some twenty seconds for a million keys, and about 200 bytes of memory
 * for each block of 16 dots with a live entry.
 * @throws RumeurError `IN_USE` while a peer has it open; `CONFIG_INVALID` when there is no store, or one of another
 * version; `DISK_FAILED` when it cannot be read at all
 */
export async function verifyStore(
  directory: string,
  onProgress: (progress: VerifyProgress) => void = () => undefined,
): Promise<StoreReport> {
  const path = resolve(directory);
  try {
    // Before the lock makes a file in a place that is no store.
    const engine = await engineIn(path);
    if (engine === undefined) throw noStore(path);
    const lock = await DirectoryLock.take(path);
    try {
      return await verifyLocked(engine, path, onProgress);
    } finally {
      await lock.release();
    }
  } catch (error) {
    throw await toDiskError(error, path);
  }
}

async function verifyLocked(
  engine: RowEngine,
  directory: string,
  onProgress: (progress: VerifyProgress) => void,
): Promise<StoreReport> {
  const rows = await engine.open(directory, { readOnly: true });
  try {
    const layout = readLayout(rows);
    if (layout === undefined || layout === 'foreign') throw foreignFile(directory);
    if (layout !== LAYOUT) throw oldStore(directory);
    const disk = new Disk(new GuardedRows(rows, directory));
    const stored = disk.stored();
    const total = disk.rowCount();
    const buckets: Record<BucketName, BucketReport> = {};
    let done = 0;
    for (const bucket of disk.bucketNames()) {
      const check = new BucketCheck(disk, bucket, stored.buckets.get(bucket));
      for (let rows = check.next(SLICE); rows > 0; rows = check.next(SLICE)) {
        done += rows;
        onProgress({ bucket, done, total });
        await nextTurn();
      }
      buckets[bucket] = check.report();
    }
    return { buckets };
  } finally {
    await rows.close();
  }
}

const oldStore = (directory: string): RumeurError =>
  new RumeurError('CONFIG_INVALID', `the store in ${directory} was left by an earlier version`, {
    hint: 'start its peer once with this version, which brings it up to date',
  });
