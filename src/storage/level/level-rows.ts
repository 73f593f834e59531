import { Buffer } from 'node:buffer';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../disk/errors.js';
import type { RowChange, RowRange, RowStore, StoredRow, TableName } from '../rows.js';
import type { StoreSizes } from '../storage.js';
import { DirectorySync } from './directory-sync.js';
import { levelError } from './errors.js';
import { type Level, openLevel } from './open-level.js';
import { Scanner } from './scanner.js';

/** LevelDB knows one table: the first byte of a key says which of ours. */
const PREFIXES: Readonly<Record<TableName, number>> = {
  state: 1,
  entries: 2,
  dots: 3,
  tombstones: 4,
  ranges: 5,
};

/** One opened LevelDB. */
export class LevelRows implements RowStore {
  readonly #path: string;
  readonly #level: Level;
  readonly #scanner: Scanner;
  readonly #names: DirectorySync;
  readonly #onClosed: () => Promise<void>;
  #refused: Error | undefined;
  #bytes = 0;

  private constructor(path: string, level: Level, scanner: Scanner, onClosed: () => Promise<void>) {
    this.#path = path;
    this.#onClosed = onClosed;
    this.#level = level;
    this.#scanner = scanner;
    this.#names = new DirectorySync(path);
  }

  /** @param onClosed what is to be done when it has been closed; it is not called when this throws */
  static async open(
    path: string,
    options: { readonly createIfMissing: boolean },
    onClosed: () => Promise<void> = () => Promise.resolve(),
  ): Promise<LevelRows> {
    const scanner = new Scanner(path);
    let level: Level | undefined;
    try {
      level = await openLevel(path, options);
      await scanner.open();
      const rows = new LevelRows(path, level, scanner, onClosed);
      // The log that was made a table of is gone for good before there is anything new: see `checkLogs`.
      await rows.#names.run();
      return rows;
    } catch (error) {
      await scanner.abandon();
      await level?.close();
      throw error;
    }
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    this.#expectShown();
    return this.#level.getSync(prefixed(table, key));
  }

  *range(
    table: TableName,
    { start, end, reverse = false }: RowRange,
  ): Generator<StoredRow, undefined, undefined> {
    this.#expectShown();
    if (Buffer.compare(start, end) >= 0) return undefined;
    const rows = this.#scanner.rows({ start: prefixed(table, start), end: prefixed(table, end), reverse });
    for (const { key, value = this.#level.getSync(key) } of rows)
      // One that was too large to come along may be gone by now.
      if (value !== undefined) yield { key: key.subarray(1), value };
    return undefined;
  }

  #expectShown(): void {
    if (this.#refused !== undefined) throw this.#refused;
  }

  /** LevelDB does not know: all are read. */
  count(table: TableName): number {
    const [start, end] = [Buffer.of(PREFIXES[table]), Buffer.of(PREFIXES[table] + 1)];
    const rows = this.#scanner.rows({ start, end, reverse: false });
    let count = 0;
    while (rows.next().done !== true) count++;
    return count;
  }

  /** Whether what is there is somebody else's: the rows of `state` come first in any store of ours. */
  get isForeign(): boolean {
    const all = { start: Buffer.alloc(0), end: Buffer.alloc(8, 0xff), reverse: false };
    const [first] = this.#scanner.rows(all);
    return first !== undefined && first.key[0] !== PREFIXES.state;
  }

  async write(rows: readonly RowChange[]): Promise<void> {
    if (rows.length === 0) return;
    // A list of changes would take classic-level three times as long, on this thread.
    const batch = this.#level.batch();
    for (const { table, key, row } of rows)
      if (row === undefined) batch.del(prefixed(table, key));
      else batch.put(prefixed(table, key), row);
    try {
      await batch.write({ sync: true });
    } catch (error) {
      throw levelError(error);
    }
    await this.#syncNames();
  }

  async #syncNames(): Promise<void> {
    try {
      await this.#names.run();
    } catch (error) {
      // LevelDB shows what it was given, and that was refused.
      this.#refused = new Error('a write was refused that is shown', { cause: error });
      throw error;
    }
  }

  /**
   * Files are written once and removed when all that is in them was written anew: none of them has free room. What was last
   * known, when the directory cannot be looked at: whether the disk fails is for reads and writes to say.
   */
  sizes(): StoreSizes {
    try {
      const sizes = readdirSync(this.#path).map((name) => sizeOf(join(this.#path, name)));
      this.#bytes = sizes.reduce((sum, size) => sum + size, 0);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
    }
    return { fileBytes: this.#bytes, liveBytes: this.#bytes, freeBytes: 0 };
  }

  /** The thread first: the store was opened here, with the cache that it uses. */
  async close(): Promise<void> {
    await this.#scanner.close();
    await this.#level.close();
    await this.#onClosed();
  }
}

function prefixed(table: TableName, key: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(1 + key.length);
  bytes[0] = PREFIXES[table];
  bytes.set(key, 1);
  return bytes;
}

/** A file may be removed at any time, by a thread that merges tables. */
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
