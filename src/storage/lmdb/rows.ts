import type { Buffer } from 'node:buffer';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { codeOf, fieldOf } from '../disk/errors.js';
import { damaged, foreignFile } from '../disk/layout.js';
import {
  type RowChange,
  type RowEngine,
  type RowRange,
  type RowStore,
  type StoredRow,
  type TableName,
  TABLES,
} from '../rows.js';
import type { StoreSizes } from '../storage.js';
import { checkDataFile } from './data-file.js';
import { expectRoom } from './room.js';
import { sizesOf, type TableStats } from './sizes.js';

type Table = Database<Buffer, Buffer>;
type Root = RootDatabase<unknown, string>;

const DATA_FILE = 'data.mdb';

/** LMDB through lmdb-js: a B+ tree in one mapped file. It tells of a transaction only when that is on the disk. */
export const lmdbEngine: RowEngine = {
  name: 'lmdb',
  files,
  open: openRows,
  isDamage,
  adopt,
};

async function files(directory: string): Promise<string[]> {
  try {
    await stat(join(directory, DATA_FILE));
    return [DATA_FILE];
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** PAGE_NOTFOUND, CORRUPTED, PANIC, VERSION_MISMATCH, INVALID, CURSOR_FULL, PAGE_FULL, INCOMPATIBLE, BAD_DBI, PROBLEM. */
const DAMAGE = new Set<unknown>([
  -30797, -30796, -30795, -30794, -30793, -30787, -30786, -30784, -30780, -30779,
]);

function isDamage(error: unknown): boolean {
  return DAMAGE.has(fieldOf(error, 'code'));
}

async function adopt(fresh: string, directory: string): Promise<void> {
  await rename(join(fresh, DATA_FILE), join(directory, DATA_FILE));
}

async function openRows(directory: string, { readOnly }: { readonly readOnly: boolean }): Promise<RowStore> {
  const dataFile = join(directory, DATA_FILE);
  const { isUnsettled } = await checkDataFile(dataFile);
  if (isUnsettled && !readOnly) await settleOverlapping(dataFile);
  const root = openRoot(dataFile, { readOnly });
  try {
    const names = [...root.getKeys()];
    if ((names.length > 0 || readOnly) && !names.includes('state')) throw foreignFile(dataFile);
    return new LmdbRows(directory, root, new Set(names));
  } catch (error) {
    await root.close();
    throw error;
  }
}

/**
 * Lets lmdb go back to the last transaction that is surely on the disk, in the mode in which it was written.
 * A file opened once in this way can be opened in the other mode from then on.
 */
async function settleOverlapping(dataFile: string): Promise<void> {
  await openRoot(dataFile, { overlapping: true }).close();
  // lmdb goes on when it could not write down what it went back to.
  if ((await checkDataFile(dataFile)).isUnsettled) throw damaged('what was written last');
}

/** @param overlapping as versions before this one opened it, see `settleOverlapping` */
function openRoot(dataFile: string, { readOnly = false, overlapping = false } = {}): Root {
  const options = {
    path: dataFile,
    maxDbs: 8,
    readOnly,
    // Else a transaction is published before it is synced, and after a sync that failed the next one that does not fail
    // makes it count as stored; so does closing. In this mode the sync comes first, and its failure is an abort.
    overlappingSync: overlapping,
    // Go on from the last transaction that is surely on the disk, whatever the boot id says.
    safeRestore: true,
    // With it, lmdb-js makes a promise for each transaction that nobody holds: its rejection could not be handled.
    eventTurnBatching: false,
  };
  return open<unknown, string>(options);
}

class LmdbRows implements RowStore {
  readonly #directory: string;
  readonly #root: Root;
  readonly #tables = new Map<TableName, Table>();

  /** @param names of the tables that are there */
  constructor(directory: string, root: Root, names: ReadonlySet<string>) {
    this.#directory = directory;
    this.#root = root;
    for (const name of TABLES) if (names.has(name)) this.#tables.set(name, openTable(root, name));
  }

  /** `getBinary` copies: what lmdb reads into is used again by the next read. */
  get(table: TableName, key: Buffer): Buffer | undefined {
    return this.#tables.get(table)?.getBinary(key);
  }

  range(table: TableName, { start, end, reverse = false }: RowRange): Iterable<StoredRow> {
    const rows = this.#tables.get(table);
    if (rows === undefined) return [];
    if (!reverse) return rows.getRange({ start, end });
    return rows.getRange({ start: end, exclusiveStart: true, end: start, inclusiveEnd: true, reverse });
  }

  count(table: TableName): number {
    return Number(fieldOf(this.#tables.get(table)?.getStats(), 'entryCount') ?? 0);
  }

  /** One at a time: when several are under way, lmdb-js 3.5 may take one that failed for done. */
  async write(rows: readonly RowChange[]): Promise<void> {
    if (rows.length === 0) return;
    await expectRoom(this.#directory, rows, () => this.sizes());
    this.#makeTables();
    try {
      await this.#root.batch(() => rows.forEach((row) => this.#put(row)));
    } catch (error) {
      throw await causeOf(error);
    }
    // The read transaction of this turn may be older.
    this.#root.resetReadTxn();
  }

  /** Into the transaction under way; whether it failed is told by that, not by each put. */
  #put({ table, key, row }: RowChange): void {
    const rows = this.#tables.get(table);
    void (row === undefined ? rows?.remove(key) : rows?.put(key, row));
  }

  /** Each is a transaction of its own, on this thread: only a new store needs them. */
  #makeTables(): void {
    for (const name of TABLES)
      if (!this.#tables.has(name)) this.#tables.set(name, openTable(this.#root, name));
  }

  sizes(): StoreSizes {
    return sizesOf(
      this.#root.getStats() as TableStats,
      [...this.#tables.values()].map((rows) => rows.getStats() as TableStats),
    );
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}

const openTable = (root: Root, name: TableName): Table =>
  root.openDB<Buffer, Buffer>(name, { keyEncoding: 'binary', encoding: 'binary' });

/** lmdb-js hides what happened behind another promise, which must be taken in any case. */
async function causeOf(error: unknown): Promise<unknown> {
  try {
    await fieldOf(error, 'commitError');
    return error;
  } catch (cause) {
    return cause;
  }
}
