import { Buffer } from 'node:buffer';
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../../src/base/random.js';

const PAGE = 4096;

/** A way in which files go bad. */
export const KINDS = [
  'bit',
  'zeroed page',
  'random page',
  'truncation',
  'swapped pages',
  'missing file',
] as const;
export type Kind = (typeof KINDS)[number];

/** Spoils one data file of a store, wherever it hits, and says what was done. */
export function spoil(directory: string, files: readonly string[], kind: Kind, random: Random): string {
  const name = drawFile(directory, files, random);
  const path = join(directory, name);
  if (kind === 'missing file') {
    rmSync(path);
    return `${name} is gone`;
  }
  const file = openSync(path, 'r+');
  try {
    return `${name}: ${change(file, kind, random)}`;
  } finally {
    closeSync(file);
  }
}

/** Larger files are hit more often, as by chance; an empty one only goes missing. */
function drawFile(directory: string, files: readonly string[], random: Random): string {
  const sizes = files.map((file) => statSync(join(directory, file)).size);
  let left = random.float() * sizes.reduce((sum, size) => sum + size, 0);
  return files.find((_, index) => (left -= sizes[index] ?? 0) < 0) ?? files[0] ?? '';
}

function change(file: number, kind: Exclude<Kind, 'missing file'>, random: Random): string {
  const { size } = fstatSync(file);
  const pages = Math.max(1, Math.floor(size / PAGE));
  const page = random.integer(0, pages - 1);
  switch (kind) {
    case 'bit': {
      const at = random.integer(0, size - 1);
      const byte = readAt(file, at, 1);
      const bit = random.integer(0, 7);
      writeSync(file, Buffer.of((byte[0] ?? 0) ^ (1 << bit)), 0, 1, at);
      return `bit ${bit} of byte ${at}`;
    }
    case 'zeroed page':
      writeSync(file, Buffer.alloc(PAGE), 0, PAGE, page * PAGE);
      return `page ${page} of ${pages} zeroed`;
    case 'random page': {
      const bytes = Buffer.from(Array.from({ length: PAGE }, () => random.integer(0, 255)));
      writeSync(file, bytes, 0, PAGE, page * PAGE);
      return `page ${page} of ${pages} random`;
    }
    case 'truncation': {
      const length = random.integer(0, size - 1);
      ftruncateSync(file, length);
      return `${length} of ${size} bytes are left`;
    }
    case 'swapped pages': {
      const other = random.integer(0, pages - 1);
      const [a, b] = [readAt(file, page * PAGE, PAGE), readAt(file, other * PAGE, PAGE)];
      writeSync(file, b, 0, PAGE, page * PAGE);
      writeSync(file, a, 0, PAGE, other * PAGE);
      return `pages ${page} and ${other} of ${pages} swapped`;
    }
  }
}

function readAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, at);
  return bytes;
}

/**
 * Makes the note beside the data that of a store as it was left: bits rot without changing a file's times.
 * @param files of the data, the one that stays for as long as the store lives first
 */
export function renewNote(directory: string, files: readonly string[]): void {
  const note = join(directory, 'store.json');
  const stats = files.map((file) => statSync(join(directory, file), { bigint: true }));
  const [first] = stats;
  if (!existsSync(note) || !first) return;
  const text = {
    dev: String(first.dev),
    ino: String(first.ino),
    ctimeNs: String(stats.reduce((last, { ctimeNs }) => (ctimeNs > last ? ctimeNs : last), 0n)),
    size: String(stats.reduce((sum, { size }) => sum + size, 0n)),
  };
  const former = JSON.parse(readFileSync(note, 'utf8')) as object;
  writeFileSync(note, `${JSON.stringify({ ...former, ...text })}\n`);
}
