import { constants, copyFile, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { isTable, namesOfStore } from './place.js';

/**
 * LevelDB writes when it opens a store: it makes a table of its log. So that a store can be read on a full disk, or looked at
 * without a trace, this makes a directory elsewhere that holds the same: its tables are those of the store, which nobody
 * ever writes to, the rest, some megabytes, are copies.
 * @returns the directory, which is to be removed by whoever asked
 */
export async function makeStandIn(path: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'rumeur-level-'));
  try {
    for (const name of await namesOfStore(path)) {
      const [from, to] = [join(resolve(path), name), join(directory, name)];
      // Windows lets only administrators make links.
      if (isTable(name) && process.platform !== 'win32') await symlink(from, to);
      else await copyFile(from, to, constants.COPYFILE_FICLONE);
    }
    return directory;
  } catch (error) {
    await removeStandIn(directory);
    throw error;
  }
}

export const removeStandIn = (directory: string): Promise<void> =>
  rm(directory, { recursive: true, force: true });
