import { statfs } from 'node:fs/promises';
import type { RowChange } from '../rows.js';
import type { StoreSizes } from '../storage.js';

const PAGE_BYTES = 4_096;
/** The pages above the leaves of five tables, the list of free pages, a note beside the file. */
const LEAST_BYTES = 64 * 1024;

/**
 * Looks for room before lmdb does. When a write of pages fails, lmdb 3.5 puts a message together in fewer bytes than that has, and
 * what it spoils may end the process later.
 * @param sizes what the file holds: what is free in it is used first
 * @throws an error with the code `ENOSPC`
 */
export async function expectRoom(
  directory: string,
  rows: readonly RowChange[],
  sizes: () => StoreSizes,
): Promise<void> {
  const needed = mostNeeded(rows);
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= needed) return;
  const { freeBytes, liveBytes } = sizes();
  // No more pages change than there are, and those that come new.
  const least = Math.min(needed, LEAST_BYTES + liveBytes + bytesOf(rows));
  if (bavail * bsize >= least || freeBytes >= 2 * least) return;
  throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
}

/** Each row on a leaf of its own. */
const mostNeeded = (rows: readonly RowChange[]): number =>
  LEAST_BYTES + rows.length * PAGE_BYTES + bytesOf(rows);

/** A large value takes whole pages, a leaf that overflows becomes two. */
const bytesOf = (rows: readonly RowChange[]): number =>
  2 * rows.reduce((sum, { key, row }) => sum + key.length + (row?.length ?? 0), 0);
