import type { RumeurError } from '../base/errors.js';
import type { BucketName } from '../base/ids.js';
import type { Batch, StoredState } from '../replica/batch.js';
import type { View } from '../replica/view.js';

/**
 * Why the store goes on under the ids it has (invariant 3 of the design: a dot never names two things).
 * - `new`: there was no store; new peer id, new origin.
 * - `untouched`: closed cleanly and not touched since; both ids stay.
 * - `unclean`: not closed cleanly, or written over since; new origin.
 * - `copied`: the files are another's copy; new peer id and new origin.
 */
export type Provenance = 'new' | 'untouched' | 'unclean' | 'copied';

/** How much room a store takes on its disk, in bytes. */
export interface StoreSizes {
  /** Of the files with the data. */
  readonly fileBytes: number;
  /** What of that holds something. */
  readonly liveBytes: number;
  /** What of it is free, and is used by later writes. */
  readonly freeBytes: number;
}

/** A store that has been opened, and of which nothing has changed by that. */
export interface ReadableStore {
  /** What is stored. */
  readonly view: View;
  /** The same beside the cells, with the ids of the run before; `undefined` where there is no store yet. */
  readonly stored: StoredState | undefined;
  /** `undefined` for a store without a disk. */
  sizes(): StoreSizes | undefined;
  /**
   * Makes a store to write to of it: puts the ids of this run and the mark that it is open on the disk. Called once; when it rejects, this one is closed as well.
   * @throws RumeurError `DISK_FULL`, `DISK_FAILED`
   */
  begin(): Promise<Storage>;
  /** Where `begin` is not called. */
  close(): Promise<void>;
}

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
   * changes no sum: so goes what a damaged row left behind. What that left in the sums goes by `sums`.
   */
  commit(batch: Batch): void;
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
  /**
   * Tells once when the store fails, with `DISK_FULL` or `DISK_FAILED`; at once when it has failed already, and in the middle of a read if that
   * was it. By then all
   * promises for what was refused are on their way to be rejected, and `commit` throws the same error.
   */
  onFailure(listener: (error: RumeurError) => void): void;
  /**
   * Tells of rows beside the cells that turned out damaged while they were read; they are passed over, and each is told
   * of once. What the indexes and sums of the bucket say is to be counted anew; `undefined` when it cannot be
   * told which bucket it was. Comes between two turns, never in the middle of a read.
   */
  onDamage(listener: (bucket: BucketName | undefined) => void): void;
  /** `undefined` for a store without a disk. Cheap enough to be asked for each status. */
  sizes(): StoreSizes | undefined;
  /** Flushes, marks the store as cleanly closed and releases it. */
  close(): Promise<void>;
}
