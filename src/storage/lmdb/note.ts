import { type BigIntStats } from 'node:fs';
import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { codeOf } from './errors.js';

/**
 * The note beside the data file that tells at the next open whether the file is the one that was left, and as it
 * was left. While the store is open only `ino` counts. The numbers are 64-bit, hence text.
 */
interface Note {
  readonly state: 'open' | 'closed';
  readonly dev: string;
  readonly ino: string;
  readonly ctimeNs: string;
  readonly size: string;
}

/** What the files alone say about a store; its own mark has the last word on `untouched`. */
export type FilesVerdict = 'absent' | 'untouched' | 'unclean' | 'copied';

const NOTE_FILE = 'store.json';

/** @throws the system's error when the files are there but cannot be looked at */
export async function judgeFiles(directory: string, dataFile: string): Promise<FilesVerdict> {
  const found = await statOrAbsent(dataFile);
  if (found === undefined) return 'absent';
  const note = await readNote(directory);
  if (note === undefined) return 'unclean';
  // The device number is written down for people only: it changes with a remount, and proves nothing.
  if (note.ino !== String(found.ino)) return 'copied';
  // A restore that writes over the file, `cp -p` included, cannot set ctime back.
  const same = note.ctimeNs === String(found.ctimeNs) && note.size === String(found.size);
  return note.state === 'closed' && same ? 'untouched' : 'unclean';
}

/** Writes the note so that it is on the disk, whole, when the promise resolves. */
export async function writeNote(directory: string, dataFile: string, state: Note['state']): Promise<void> {
  const { dev, ino, ctimeNs, size } = await stat(dataFile, { bigint: true });
  const note: Note = {
    state,
    dev: String(dev),
    ino: String(ino),
    ctimeNs: String(ctimeNs),
    size: String(size),
  };
  const path = join(directory, NOTE_FILE);
  const draft = `${path}.new`;
  await withFile(draft, 'w', async (file) => {
    await file.writeFile(`${JSON.stringify(note)}\n`);
    await file.sync();
  });
  await rename(draft, path);
  await syncDirectory(directory);
}

/** Makes names in a directory durable; Windows cannot, and need not be asked to. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform !== 'win32') await withFile(directory, 'r', (handle) => handle.sync());
}

async function withFile(
  path: string,
  flags: string,
  use: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

async function statOrAbsent(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** `undefined` for a note that is missing or makes no sense: then nothing is known. */
async function readNote(directory: string): Promise<Note | undefined> {
  let text: string;
  try {
    text = await readFile(join(directory, NOTE_FILE), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const note: unknown = JSON.parse(text);
    return isNote(note) ? note : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isNote(value: unknown): value is Note {
  if (typeof value !== 'object' || value === null) return false;
  const { state, ...numbers } = value as Record<keyof Note, unknown>;
  const fields = [numbers.dev, numbers.ino, numbers.ctimeNs, numbers.size];
  return (state === 'open' || state === 'closed') && fields.every((field) => typeof field === 'string');
}
