import { basename, join } from 'node:path';
import { codeOf } from '../disk/errors.js';
import { foreignFile } from '../disk/layout.js';
import type { RowEngine, RowStore } from '../rows.js';
import { LateRows } from './late-rows.js';
import { LevelRows } from './level-rows.js';
import { adoptStore, checkPlace, namesOfStore, placeOf, settlePlace } from './place.js';
import { isDamage } from './errors.js';
import { checkLogs } from './logs.js';
import { makeStandIn, removeStandIn } from './stand-in.js';

/** LevelDB through classic-level: a log, and sorted tables that a thread of its own merges. */
export const levelEngine: RowEngine = {
  name: 'level',
  files,
  open: openRows,
  isDamage,
  adopt: adoptStore,
};

async function files(directory: string): Promise<string[]> {
  const path = await placeOf(directory);
  return (await namesOfStore(path)).map((name) => join(basename(path), name));
}

async function openRows(directory: string, { readOnly }: { readonly readOnly: boolean }): Promise<RowStore> {
  // Whoever only looks changes nothing.
  const path = await (readOnly ? placeOf(directory) : settlePlace(directory));
  const isThere = await checkPlace(path);
  if (!isThere && readOnly) throw foreignFile(path);
  await checkLogs(path);
  if (readOnly) return openStandIn(path);
  try {
    return await openOurs(path, { createIfMissing: true });
  } catch (error) {
    if (!isThere || !CANNOT_WRITE.has(codeOf(error))) throw error;
    return new LateRows(await openStandIn(path), () => openOurs(path, { createIfMissing: false }));
  }
}

/** With these codes of the system it may still be read. */
const CANNOT_WRITE = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG']);

async function openOurs(path: string, options: { readonly createIfMissing: boolean }): Promise<RowStore> {
  const rows = await LevelRows.open(path, options);
  try {
    if (rows.isForeign) throw foreignFile(path);
    return rows;
  } catch (error) {
    await rows.close();
    throw error;
  }
}

async function openStandIn(path: string): Promise<RowStore> {
  const directory = await makeStandIn(path);
  try {
    return await LevelRows.open(directory, { createIfMissing: false }, () => removeStandIn(directory));
  } catch (error) {
    await removeStandIn(directory);
    throw error;
  }
}
