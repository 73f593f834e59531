import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../disk/errors.js';
import { RumeurError } from '../../base/errors.js';

/** LevelDB has a directory to itself: it removes files there that it does not know. */
export const levelDirectory = (directory: string): string => join(directory, 'level');

/** Made with the store, and never removed or renamed after that. */
const LASTING = 'LOCK';
/** Names the manifest, which names the tables. */
const CURRENT = 'CURRENT';
export const isTable = (name: string): boolean => /^\d+\.(ldb|sst)$/.test(name);
export const isLog = (name: string): boolean => /^\d+\.log$/.test(name);
/** What LevelDB tells people; that it changes says nothing of the data. */
const isNotes = (name: string): boolean => name === 'LOG' || name === 'LOG.old';

/** The names in LevelDB's directory that make up the store, the lasting one first; none when there is none. */
export async function namesOfStore(path: string): Promise<string[]> {
  const names = (await namesIn(path)).filter((name) => !isNotes(name));
  if (!names.includes(LASTING)) return [];
  return [LASTING, ...names.filter((name) => name !== LASTING).sort()];
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
