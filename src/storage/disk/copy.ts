import { Buffer } from 'node:buffer';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { RumeurError } from '../../base/errors.js';
import type { RowChange, RowEngine, RowStore, TableName } from '../rows.js';
import { isSealed, openRow, sealRow } from './checksum.js';
import { bucketOf } from './damaged-rows.js';
import { Disk } from './disk.js';
import { FORMAT_KEY, readLayout } from './format.js';
import { GuardedRows } from './guarded-rows.js';
import { indexCells } from './index-cells.js';
import { damaged, foreignFile, LAYOUT } from './layout.js';
import { type FilesVerdict, syncDirectory, writeNote } from './note.js';
import { HIGHEST, LOWEST } from './walk.js';

/** Where the copy is made, in the directory of the store: what is there at a start is of a copy that was cut off. */
const FRESH = 'fresh';
/** Of one transaction: what is in memory at a time. */
const BATCH_BYTES = 4 * 1024 * 1024;
const SPARE_BYTES = 16 * 1024 * 1024;

/**
 * Makes a copy of the store in a directory that nobody has open, row by row, and puts it in the place of the store: without
 * free pages, with the present layout, and without damaged rows of indexes, whose buckets are to be counted anew.
 * Up to the moment at which the places are changed nothing happens to the store.
 * @param verdict what the files were before: the copy is judged the same
 * @throws RumeurError `DISK_FULL` when there is no room for the copy; `DISK_FAILED`, `CONFIG_INVALID`
 */
export async function copyStore(engine: RowEngine, directory: string, verdict: FilesVerdict): Promise<void> {
  const fresh = join(directory, FRESH);
  await removeUnfinished(directory);
  await mkdir(fresh);
  try {
    await fillFresh(engine, directory, fresh);
    const before = await engine.files(directory);
    const [next = ''] = await engine.files(fresh);
    const isKnown = verdict === 'untouched' || verdict === 'unclean';
    if (isKnown) await writeNote(directory, before, 'open', join(FRESH, next));
    await engine.adopt(fresh, directory);
    await syncDirectory(directory);
    const state = verdict === 'untouched' ? 'closed' : 'open';
    if (isKnown) await writeNote(directory, await engine.files(directory), state);
  } finally {
    await removeUnfinished(directory);
  }
}

/** Takes away what a copy that was cut off has left. */
export const removeUnfinished = (directory: string): Promise<void> =>
  rm(join(directory, FRESH), { recursive: true, force: true });

async function fillFresh(engine: RowEngine, directory: string, fresh: string): Promise<void> {
  const from = await engine.open(directory, { readOnly: false });
  try {
    await expectRoom(directory, from.sizes().liveBytes);
    const to = await engine.open(fresh, { readOnly: false });
    try {
      await copyAll(from, to, directory);
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

async function expectRoom(directory: string, liveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const missing = liveBytes + SPARE_BYTES - bavail * bsize;
  if (missing <= 0) return;
  const lack = `${Math.ceil(missing / 2 ** 20)} MiB are missing for a copy of the data in ${directory}`;
  throw new RumeurError('DISK_FULL', lack, { hint: 'free some space and start the peer again' });
}

/** The number of the layout goes last. */
async function copyAll(from: RowStore, to: RowStore, directory: string): Promise<void> {
  const layout = readLayout(from);
  if (layout === undefined || layout === 'foreign') throw foreignFile(directory);
  const tables: TableName[] = ['state', 'entries', 'dots'];
  if (layout > 1) tables.push('tombstones', 'ranges');
  const doubtful = new Set<number>();
  for (const table of tables) await copyTable(from, to, { table, layout, doubtful });
  const disk = new Disk(new GuardedRows(to, directory));
  await disk.unsettle(doubtful);
  await disk.renewMarks();
  if (layout === 1) await indexCells(disk);
  await disk.writeLayout();
}

async function copyTable(
  from: RowStore,
  to: RowStore,
  { table, layout, doubtful }: { table: TableName; layout: number; doubtful: Set<number> },
): Promise<void> {
  for (let start: Buffer | undefined = LOWEST; start !== undefined;) {
    const rows: RowChange[] = [];
    let bytes = 0;
    let last: Buffer | undefined;
    for (const { key, value } of from.range(table, { start, end: HIGHEST })) {
      if (Buffer.compare(key, start) < 0) throw damaged('the order of rows');
      const row = table === 'state' && key.equals(FORMAT_KEY) ? undefined : copied(table, layout, key, value);
      if (row !== undefined) rows.push({ table, key, row });
      else if (table !== 'state') doubtful.add(bucketOf(key));
      bytes += key.length + value.length;
      last = key;
      if (bytes > BATCH_BYTES) break;
    }
    await to.write(rows);
    start = last && Buffer.concat([last, LOWEST]);
  }
}

/** `undefined` for a damaged row that can be done without. */
function copied(table: TableName, layout: number, key: Buffer, row: Buffer): Buffer | undefined {
  if (!isSealed(table)) return row;
  if (layout < LAYOUT) return sealRow(table, key, row);
  if (openRow(table, key, row) !== undefined) return row;
  if (table === 'state') throw damaged('a row of the state');
  return undefined;
}
