import type { Buffer } from 'node:buffer';
import type { StoreSizes } from './storage.js';

/*
 * The seam between the store on disk and the engines below it: rows of bytes in a handful of tables, sorted by their keys.
 * What the rows say is none of an engine's business; `disk/layout.ts` has it.
 */

/** In the order in which they are to be made: a store of which `state` is missing is not known as ours. */
export const TABLES = ['state', 'entries', 'dots', 'tombstones', 'ranges'] as const;
export type TableName = (typeof TABLES)[number];

export interface RowRange {
  /** The least key. */
  readonly start: Buffer;
  /** The first above the last one. */
  readonly end: Buffer;
  /** The highest first. */
  readonly reverse?: boolean;
}

export interface StoredRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Without a row, what stands under the key is removed. */
export interface RowChange {
  readonly table: TableName;
  readonly key: Buffer;
  readonly row: Buffer | undefined;
}

/**
 * One opened handle. Keys have 1 to 1100 bytes and are in the order of `Buffer.compare`. It throws and rejects with the
 * engine's own errors; after the first one it is good for `close` alone, as nobody knows what the disk made of it.
 */
export interface RowStore {
  /** A copy that nobody else writes to. */
  get(table: TableName, key: Buffer): Buffer | undefined;
  /** Copies as well. It is used up or given up within the turn of the event loop in which it was asked for. */
  range(table: TableName, range: RowRange): Iterable<StoredRow>;
  /** How many rows a table has; an engine that does not know may guess. */
  count(table: TableName): number;
  /**
   * All of the rows or none, even when the power fails. Resolves when they are on the disk and reads from here on see them;
   * rejects when they see nothing of them. One call at a time. There is no cheaper way that syncs later: LevelDB would lose
   * rows from before a sync when it has begun a new log in between.
   */
  write(rows: readonly RowChange[]): Promise<void>;
  sizes(): StoreSizes;
  /** Releases everything, within two seconds. It neither syncs nor tries again what has failed. */
  close(): Promise<void>;
}

/** A kind of store that can hold rows. */
export interface RowEngine {
  /** As the config says it. */
  readonly name: string;
  /**
   * The files of the store in a directory, relative to it; none where there is no store of this engine. The first one stays
   * the same file, and is not renamed to or from, for as long as the store lives.
   */
  files(directory: string): Promise<string[]>;
  /**
   * Opens the store in a directory, and unless it is `readOnly` makes it when there is none. As long as nothing is
   * written to a store that was there, no byte of it changes.
   * @throws RumeurError `CONFIG_INVALID` when what is there is not for us to change, `DISK_FAILED` when it is damaged
   */
  open(directory: string, options: { readonly readOnly: boolean }): Promise<RowStore>;
  /** Whether an error of this engine says that the store is damaged, rather than that the disk or the machine fails. */
  isDamage(error: unknown): boolean;
  /**
   * Lets the store in `fresh` take the place of the one in `directory`, both closed. When the process dies meanwhile, `open`
   * finds the one or the other, whole. What is durable afterwards is only so when the directory has been synced.
   */
  adopt(fresh: string, directory: string): Promise<void>;
}
