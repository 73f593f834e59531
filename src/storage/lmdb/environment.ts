import type { Buffer } from 'node:buffer';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { StoreSizes } from '../storage.js';
import { checkDataFile, foreignFile } from './data-file.js';
import { damaged } from './layout.js';

export type Rows = Database<Buffer, Buffer>;
type Root = RootDatabase<unknown, string>;

/** The open data file and the tables in it. */
export interface Environment {
  readonly root: Root;
  /** In the file its name is `entries`. */
  readonly cells: Rows;
  readonly dots: Rows;
  readonly tombstones: Rows;
  readonly ranges: Rows;
  readonly state: Rows;
}

/**
 * Opens the data file, and makes it when there is none. A file that holds something else than a store of ours is
 * left as it is.
 * @param accepts whether the table `state` is that of a store that we can go on with
 */
export async function openEnvironment(
  dataFile: string,
  accepts: (state: Rows) => boolean,
): Promise<Environment> {
  if ((await checkDataFile(dataFile)).isUnsettled) await settleOverlapping(dataFile);
  const root = openRoot(dataFile);
  try {
    const names = [...root.getKeys()];
    const known = names.length === 0 || (names.includes('state') && accepts(openRows(root, 'state')));
    if (!known) throw foreignFile(dataFile);
    return openTables(root);
  } catch (error) {
    await root.close();
    throw error;
  }
}

/**
 * Opens a data file that is there, for reading alone: nothing in it changes.
 * @param accepts as above; tables are not made when they are missing
 */
export async function readEnvironment(
  dataFile: string,
  accepts: (state: Rows) => boolean,
): Promise<Environment> {
  await checkDataFile(dataFile);
  const root = openRoot(dataFile, { readOnly: true });
  try {
    if (![...root.getKeys()].includes('state') || !accepts(openRows(root, 'state')))
      throw foreignFile(dataFile);
    return openTables(root);
  } catch (error) {
    await root.close();
    throw error;
  }
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

/**
 * Lets lmdb go back to the last transaction that is surely on the disk, in the mode in which it was written.
 * A file opened once in this way can be opened in the other mode from then on.
 */
async function settleOverlapping(dataFile: string): Promise<void> {
  await openRoot(dataFile, { overlapping: true }).close();
  // lmdb goes on when it could not write down what it went back to.
  if ((await checkDataFile(dataFile)).isUnsettled) throw damaged('what was written last');
}

const openTables = (root: Root): Environment => ({
  root,
  // First: after a crash in between, a file with tables is known as ours by this one.
  state: openRows(root, 'state'),
  cells: openRows(root, 'entries'),
  dots: openRows(root, 'dots'),
  tombstones: openRows(root, 'tombstones'),
  ranges: openRows(root, 'ranges'),
});

const openRows = (root: Root, name: string): Rows =>
  root.openDB<Buffer, Buffer>(name, { keyEncoding: 'binary', encoding: 'binary' });

/** What `getStats` says, as far as it is needed; its types say nothing. */
interface TreeStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface FileStats extends TreeStats {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  readonly free: TreeStats;
}

/** Two pages at the begin of the file say where the rest is. */
const META_PAGES = 2;

/** From counters that lmdb keeps: the file is never longer than up to its last page, but for what was freed there. */
export function sizesOf({ root, cells, dots, tombstones, ranges, state }: Environment): StoreSizes {
  const { pageSize, lastPageNumber, free, ...names } = root.getStats() as FileStats;
  const tables = [cells, dots, tombstones, ranges, state].map((rows) => rows.getStats() as FileStats);
  const live = [names, free, ...tables].reduce((sum, tree) => sum + pagesOf(tree), META_PAGES);
  const pages = lastPageNumber + 1;
  return {
    fileBytes: pages * pageSize,
    liveBytes: Math.min(live, pages) * pageSize,
    freeBytes: Math.max(0, pages - live) * pageSize,
  };
}

const pagesOf = ({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number =>
  treeBranchPageCount + treeLeafPageCount + overflowPages;
