import { Buffer } from 'node:buffer';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { RumeurError } from '../../base/errors.js';
import { crc32c } from './crc32c.js';
import { isLog, namesOfStore } from './place.js';

/*
 * What LevelDB has not yet made a table of stands in logs. Where it cannot read a part of one, it goes on with the next block
 * and tells nobody: writes would be missing in the midst of others. So look first.
 *
 * A log is blocks of 32 KiB; a block, records: crc:4 length:2 type:1 bytes, where type says whether they are a batch (1) or the
 * first (2), a middle (3) or the last part (4) of one. What is left of a block below 7 bytes is not used.
 */
const BLOCK = 32 * 1024;
const HEAD = 7;
const BATCH = 1;
const FIRST_PART = 2;
const LAST_PART = 4;
/** LevelDB stores a checksum in another form, as what it is of may hold checksums. */
const MASK = 0xa282ead8;
const READ_AT_ONCE = 32 * BLOCK;

/**
 * Each batch is synced before the next one begins: when the machine dies, the end of the last one alone may be missing.
 * @throws RumeurError `DISK_FAILED` when there is a batch behind something that cannot be read
 */
export async function checkLogs(path: string): Promise<void> {
  const check = new LogCheck();
  // By their numbers, which is the order of their names.
  for (const name of (await namesOfStore(path)).filter(isLog)) {
    for await (const blocks of piecesOf(join(path, name)))
      for (let at = 0; at < blocks.length; at += BLOCK)
        if (!check.next(blocks.subarray(at, at + BLOCK))) throw gap(join(path, name));
  }
}

async function* piecesOf(file: string): AsyncGenerator<Buffer, undefined, undefined> {
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(READ_AT_ONCE);
    for (let position = 0; ;) {
      const { bytesRead } = await handle.read({ buffer, position });
      if (bytesRead === 0) return undefined;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Goes through the blocks of all logs in their order. */
export class LogCheck {
  #isCut = false;

  /** @returns `false` when a batch begins behind something that could not be read */
  next(block: Buffer): boolean {
    for (let at = 0; block.length - at >= HEAD;) {
      const end = at + HEAD + block.readUInt16LE(at + 4);
      const type = block[at + 6] as number;
      if (end > block.length || !isSoundType(type) || !isSound(block, at, end)) {
        this.#isCut = true;
        return true;
      }
      // Later parts of a batch whose begin was lost are no batch.
      if (this.#isCut && (type === BATCH || type === FIRST_PART)) return false;
      at = end;
    }
    return true;
  }
}

const isSoundType = (type: number): boolean => type >= BATCH && type <= LAST_PART;

function isSound(block: Buffer, at: number, end: number): boolean {
  const rotated = (block.readUInt32LE(at) - MASK) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0 === crc32c(block.subarray(at + HEAD - 1, end));
}

const gap = (file: string): RumeurError =>
  new RumeurError('DISK_FAILED', `a part of the log ${file} is damaged`, {
    hint: 'move the data directory away; the peer fetches everything from the others again',
  });
