import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { tryLock } from 'fs-native-extensions';
import { RumeurError } from '../base/errors.js';

/**
 * The right to use a data directory: a kernel lock on the file `lock` in it, which goes away with its holder
 * however that ends. It belongs to the open file, not to the process, so that a second opening within one process
 * is refused too.
 */
export class DirectoryLock {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * @throws RumeurError `IN_USE` when somebody holds the lock
   * @throws the system's error when the file cannot be opened or locked
   */
  static async take(directory: string): Promise<DirectoryLock> {
    const path = join(directory, 'lock');
    // Not 'w+': that would empty the file of a holder before we know that there is one.
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      if (!tryLock(file.fd)) throw inUse(directory, await holder(file));
      await noteHolder(file);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new DirectoryLock(file);
  }

  async release(): Promise<void> {
    await this.#file.close();
  }
}

/** For people alone: the lock holds without it, also on a disk that has no room for it. */
async function noteHolder(file: FileHandle): Promise<void> {
  try {
    await file.truncate();
    await file.write(`${process.pid}\n`, 0);
  } catch {
    return;
  }
}

/** The pid that the holder wrote; just taken, it may not stand there yet. */
async function holder(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(16), position: 0 });
  const pid = buffer.toString('latin1', 0, bytesRead).trim();
  return /^\d+$/.test(pid) ? `process ${pid}` : 'another process';
}

function inUse(directory: string, by: string): RumeurError {
  return new RumeurError('IN_USE', `the data directory ${directory} is in use by ${by}`, {
    hint: 'stop that peer, or give this one a dataDir of its own',
  });
}
