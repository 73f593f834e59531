import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { codeOf } from './errors.js';
import { damaged } from './layout.js';

/**
 * The note beside the files of the store that tells at the next open whether they are those that were left, and as they
 * were left. While the store is open only `ino` counts. The numbers are 64-bit, hence text.
 */
interface Note {
  readonly state: 'open' | 'closed';
  /** Of the first file, which stays the same for as long as the store lives. */
  readonly dev: string;
  readonly ino: string;
  /** The last one of all files. */
  readonly ctimeNs: string;
  /** Of all files together. */
  readonly size: string;
  /** Of a file that was about to take the place of the first one, in the same store. */
  readonly nextIno?: string;
}

/** What the files alone say about a store; its own mark has the last word on `untouched`. */
export type FilesVerdict = 'absent' | 'untouched' | 'unclean' | 'copied';

export const NOTE_FILE = 'store.json';

type Traces = Omit<Note, 'state' | 'nextIno'>;

/**
 * @param files of the store in the directory; the first one is the one that stays the same
 * @throws the system's error when the files are there but cannot be looked at
 */
export async function judgeFiles(directory: string, files: readonly string[]): Promise<FilesVerdict> {
  if (files.length === 0) return 'absent';
  const found = await tracesOf(directory, files);
  const note = await readNote(directory);
  if (note === undefined) return 'unclean';
  // The device number is written down for people only: it changes with a remount, and proves nothing.
  if (note.ino !== found.ino) return note.nextIno === found.ino ? 'unclean' : 'copied';
  // A restore that writes over the file, `cp -p` included, cannot set ctime back.
  const same = note.ctimeNs === found.ctimeNs && note.size === found.size;
  return note.state === 'closed' && same ? 'untouched' : 'unclean';
}

/**
 * Writes the note so that it is on the disk, whole, when the promise resolves.
 * @param next the file that is about to take the place of the first one
 */
export async function writeNote(
  directory: string,
  files: readonly string[],
  state: Note['state'],
  next?: string,
): Promise<void> {
  const following = next === undefined ? {} : { nextIno: (await tracesOf(directory, [next])).ino };
  const note: Note = { state, ...(await tracesOf(directory, files)), ...following };
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

async function tracesOf(directory: string, files: readonly string[]): Promise<Traces> {
  const all = await Promise.all(files.map((file) => stat(join(directory, file), { bigint: true })));
  const [first] = all;
  if (first === undefined) throw damaged('the store');
  return {
    dev: String(first.dev),
    ino: String(first.ino),
    ctimeNs: String(all.reduce((last, { ctimeNs }) => (ctimeNs > last ? ctimeNs : last), 0n)),
    size: String(all.reduce((sum, { size }) => sum + size, 0n)),
  };
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
