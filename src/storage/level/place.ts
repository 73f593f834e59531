import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../disk/errors.js';
import { syncDirectory } from '../disk/note.js';
import { RumeurError } from '../../base/errors.js';

/** LevelDB has a directory to itself: it removes files there that it does not know. */
const NAME = 'level';
/** Where a store is while another one takes its place. */
const FORMER = 'level.former';

/** Made with the store, and never removed or renamed after that. */
const LASTING = 'LOCK';
/** Names the manifest, which names the tables. */
const CURRENT = 'CURRENT';
export const isTable = (name: string): boolean => /^\d+\.(ldb|sst)$/.test(name);
export const isLog = (name: string): boolean => /^\d+\.log$/.test(name);
/** What LevelDB tells people; that it changes says nothing of the data. */
const isNotes = (name: string): boolean => name === 'LOG' || name === 'LOG.old';

/** The directory of the store, which is another one when the process died in `adoptStore`. */
export async function placeOf(directory: string): Promise<string> {
  const path = join(directory, NAME);
  const former = join(directory, FORMER);
  return (await isThere(path)) || !(await isThere(former)) ? path : former;
}

/** Ends what a process that died in `adoptStore` has left. @returns the directory of the store */
export async function settlePlace(directory: string): Promise<string> {
  const path = join(directory, NAME);
  const found = await placeOf(directory);
  if (found !== path) await rename(found, path);
  await rm(join(directory, FORMER), { recursive: true, force: true });
  return path;
}

/** Lets the store in `fresh` take the place of the one in `directory`. */
export async function adoptStore(fresh: string, directory: string): Promise<void> {
  const path = await settlePlace(directory);
  await syncDirectory(join(fresh, NAME));
  await rename(path, join(directory, FORMER));
  await rename(join(fresh, NAME), path);
  await syncDirectory(directory);
  await rm(join(directory, FORMER), { recursive: true });
}

/** The names in LevelDB's directory that make up the store, the lasting one first; none when there is none. */
export async function namesOfStore(path: string): Promise<string[]> {
  const names = (await namesIn(path)).filter((name) => !isNotes(name)).sort();
  return [...names.filter((name) => name === LASTING), ...names.filter((name) => name !== LASTING)];
}

/**
 * LevelDB begins a new store where the name of the manifest is missing, and removes the tables of the old one.
 * @returns whether there is a store
 * @throws RumeurError `DISK_FAILED` when part of one is missing
 */
export async function checkPlace(path: string): Promise<boolean> {
  const names = await namesIn(path);
  if (names.includes(CURRENT)) return true;
  for (const name of names)
    if (isTable(name) || (isLog(name) && (await stat(join(path, name))).size > 0)) throw incomplete(path);
  return false;
}

const isThere = async (path: string): Promise<boolean> => (await namesIn(path)).length > 0;

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

const incomplete = (path: string): RumeurError =>
  new RumeurError('DISK_FAILED', `a part of the data in ${path} is missing`, {
    hint: 'move it away; the peer then starts anew and fetches everything from the others',
  });
