import { Buffer } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { RumeurError } from '../../base/errors.js';
import { codeOf } from '../disk/errors.js';
import { foreignFile } from '../disk/layout.js';

/*
 * lmdb does not survive a file that is not its own: the process dies. So look first. The offsets are those of LMDB's
 * `MDB_meta` as lmdb-js builds it; two pages have one at their begin, and the first page another one in its middle.
 */
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const AT = {
  magic: 24,
  version: 28,
  pageSize: 48,
  flags: 52,
  lastPage: 144,
  transaction: 152,
  end: 160,
} as const;
const PAGE_SIZES = [4096, 8192, 16_384, 32_768, 65_536];
/** The last pages of a sound file may never have been written, when they were freed at once. */
const UNWRITTEN_PAGES = 16;

/** Of a state that was published before it was synced: only versions before this one left such. */
const OVERLAPPING = 0x1000;

export interface DataFileReport {
  /** Whether lmdb must first go back to what was synced; in the mode in which the file was written. */
  readonly isUnsettled: boolean;
}

/**
 * @throws RumeurError `DISK_FAILED` when a file is there and is no LMDB file or has been cut short, `CONFIG_INVALID`
 * when it is one of another version
 * @throws the system's error when a file cannot be read and written
 */
export async function checkDataFile(dataFile: string): Promise<DataFileReport> {
  await withFile(`${dataFile}-lock`, () => Promise.resolve());
  let isUnsettled = false;
  await withFile(dataFile, async (file) => {
    const { size } = await file.stat();
    if (size > 0) isUnsettled = check(await begin(file), size, dataFile);
  });
  return { isUnsettled };
}

interface Meta {
  readonly transaction: bigint;
  readonly lastPage: number;
  readonly isOverlapping: boolean;
}

function metaAt(bytes: Buffer, at: number): Meta {
  if (bytes.length < at + AT.end) return { transaction: 0n, lastPage: 0, isOverlapping: false };
  return {
    transaction: bytes.readBigUInt64LE(at + AT.transaction),
    lastPage: Number(bytes.readBigUInt64LE(at + AT.lastPage)),
    isOverlapping: (bytes.readUInt16LE(at + AT.flags) & OVERLAPPING) !== 0,
  };
}

function check(bytes: Buffer, size: number, dataFile: string): boolean {
  if (bytes.length < AT.end || bytes.readUInt32LE(AT.magic) !== MAGIC) {
    throw damagedFile(dataFile, 'is damaged or no data file at all');
  }
  if ((bytes.readUInt32LE(AT.version) & 0xffff) !== VERSION) throw foreignFile(dataFile);
  const pageSize = bytes.readUInt32LE(AT.pageSize);
  if (!PAGE_SIZES.includes(pageSize)) throw damagedFile(dataFile, 'is damaged');
  const [first, synced, second] = [0, pageSize / 2, pageSize].map((at) => metaAt(bytes, at)) as [
    Meta,
    Meta,
    Meta,
  ];
  // The least of the three states that lmdb may go on from: after a power loss the last one may lack its pages.
  const lastPages = [first, synced, second]
    .filter(({ transaction }) => transaction > 0n)
    .map(({ lastPage }) => lastPage);
  const pages = lastPages.length === 0 ? 2 : Math.max(2, Math.min(...lastPages) + 1 - UNWRITTEN_PAGES);
  if (size < pages * pageSize) throw damagedFile(dataFile, 'has been cut short');
  return isUnsettled(first.transaction >= second.transaction ? first : second, synced);
}

/**
 * Only the overlapping mode writes down, in the middle of the first page, what was synced. Where that is the latest state
 * of all, or an older one than what this version wrote after it, the latest is sure.
 */
function isUnsettled(latest: Meta, synced: Meta): boolean {
  if (synced.transaction === 0n || synced.transaction === latest.transaction) return false;
  return latest.isOverlapping || synced.transaction > latest.transaction;
}

async function begin(file: FileHandle): Promise<Buffer> {
  const length = Math.max(...PAGE_SIZES) + AT.end;
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position: 0 });
  return buffer.subarray(0, bytesRead);
}

/** Opens a file for reading and writing; nothing happens when there is none. */
async function withFile(path: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'r+');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

const damagedFile = (dataFile: string, what: string): RumeurError =>
  new RumeurError('DISK_FAILED', `the data file ${dataFile} ${what}`, {
    hint: 'move it away; the peer then starts anew and fetches everything from the others',
  });
