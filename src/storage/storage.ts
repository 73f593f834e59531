import type { BucketName } from '../base/ids.js';
import type { Batch, StoredState, Totals } from '../replica/batch.js';
import type { View } from '../replica/view.js';

/**
 * Why the store goes on under the ids it has (invariant 3 of the design: a dot never names two things).
 * - `new`: there was no store; new peer id, new origin.
 * - `untouched`: closed cleanly and not touched since; both ids stay.
 * - `unclean`: not closed cleanly, or written over since; new origin.
 * - `copied`: the files are another's copy; new peer id and new origin.
 */
export type Provenance = 'new' | 'untouched' | 'unclean' | 'copied';

/**
 * A durable store behind a synchronous read side. `commit` is synchronous: when it returns, the view shows the
 * batch; when it throws, nothing of it was taken. It may still be on its way to the operating system
 * (`committed`) and to the disk (`flushed`).
 */
export interface Storage extends View {
  readonly provenance: Provenance;
  /** What was stored when the store was opened, ids of this run included. */
  readonly initial: StoredState;
  /**
   * An entry with an empty digest in `before` takes the row of its dot out of the indexes, if it names this key, and
   * changes no sum: so goes what a damaged row left behind.
   */
  commit(batch: Batch): void;
  /**
   * Counts the totals and range sums of a bucket anew, from its cells with every batch committed so far, and puts right
   * what is stored of them: for use after damage. `droppedUpTo` stays. Cells that cannot be read count nothing;
   * others count with the digest that stands in them.
   *
   * Reads the whole bucket before it returns: some seconds for a million keys. Keeps one sum in memory for each block
   * of 16 dots with a live entry, about 200 bytes each.
   */
  rebuild(bucket: BucketName): Totals;
  /** Puts handed over and not yet committed: the measure for back-pressure. */
  readonly backlog: number;
  /**
   * Resolves when everything committed before the call survives the death of the process.
   * @throws RumeurError `DISK_FULL`, `DISK_FAILED`; a store that failed once stays failed.
   */
  committed(): Promise<void>;
  /**
   * Resolves when everything committed before the call is on the disk. Calls share flushes (group commit).
   * @throws RumeurError `DISK_FULL`, `DISK_FAILED`
   */
  flushed(): Promise<void>;
  /** Flushes, marks the store as cleanly closed and releases it. */
  close(): Promise<void>;
}
