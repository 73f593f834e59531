import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RumeurError } from '../../base/errors.js';
import type { RowEngine } from '../rows.js';
import { codeOf } from './errors.js';
import { NOTE_FILE, syncDirectory } from './note.js';

/** A store that could not be read and was moved away. */
export interface SetAside {
  /** Where it is now; nobody ever deletes it. */
  readonly path: string;
  readonly reason: string;
}

const PREFIX = 'aside-';
const HOUR_MS = 3_600_000;
/** A machine that spoils store after store is not helped by a third one. */
const PER_HOUR = 2;

/**
 * Moves the files of a store into a directory of their own beside it, `aside-` and the time.
 * @throws RumeurError `DISK_FAILED` when that has happened twice within the last hour
 */
export async function setAside(engine: RowEngine, directory: string, reason: string): Promise<SetAside> {
  await expectFew(directory, reason);
  const path = await makePlace(directory);
  const own = (await engine.files(directory)).map((file) => file.split(/[\\/]/)[0] ?? file);
  // With the first part of a name come the files that an engine has beside its own, as `data.mdb-lock`.
  const names = await readdir(directory);
  for (const name of names)
    if (name === NOTE_FILE || own.some((file) => name.startsWith(file)))
      await rename(join(directory, name), join(path, name));
  await syncDirectory(path);
  await syncDirectory(directory);
  return { path, reason };
}

async function makePlace(directory: string): Promise<string> {
  const time = new Date().toISOString().replace(/[:.]/g, '-');
  for (let n = 1; ; n++) {
    const path = join(directory, `${PREFIX}${time}-${n}`);
    try {
      await mkdir(path);
      return path;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

async function expectFew(directory: string, reason: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(PREFIX));
  const times = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).mtimeMs));
  const recent = times.filter((time) => Math.abs(Date.now() - time) < HOUR_MS).length;
  if (recent < PER_HOUR) return;
  const text = `the data in ${directory} cannot be read (${reason}), for the third time within an hour`;
  throw new RumeurError('DISK_FAILED', text, {
    hint: `check the disk and the memory of the machine; what could not be read is in ${PREFIX}* there`,
  });
}
