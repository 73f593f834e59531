import { statfs } from 'node:fs/promises';
import { constants } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { RumeurError } from '../../base/errors.js';

const { EIO, ENOSPC, EDQUOT, EFBIG } = constants.errno;
const MDB_MAP_FULL = -30792;
/** Node's errors carry a name, lmdb's the number. */
const FULL = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG', ENOSPC, EDQUOT, EFBIG, MDB_MAP_FULL]);
const FULL_BELOW_BYTES = 1024 * 1024;
const ASK_MS = 1_000;

/** What went wrong with the files in `directory`, as `DISK_FULL` or `DISK_FAILED`; errors of ours pass through. */
export async function toDiskError(thrown: unknown, directory: string): Promise<RumeurError> {
  if (thrown instanceof RumeurError) return thrown;
  const reason = messageOf(thrown);
  // When the disk fills up in the middle of a write, lmdb says EIO of the part that was written.
  if (isFullError(thrown) || (codeOf(thrown) === EIO && (await isFull(directory)))) {
    return new RumeurError('DISK_FULL', `no room left for the data in ${directory}: ${reason}`, {
      hint: 'free some space: the peer goes on by itself when there is room',
      cause: thrown,
    });
  }
  return new RumeurError('DISK_FAILED', `the data in ${directory} cannot be read or written: ${reason}`, {
    hint: 'check the disk and the rights on the directory; the peer goes on by itself when it can',
    cause: thrown,
  });
}

/** An error while reading, as `DISK_FAILED`; errors of ours pass through. At once, as reading does not wait. */
export function readError(thrown: unknown, directory: string): RumeurError {
  if (thrown instanceof RumeurError) return thrown;
  return new RumeurError('DISK_FAILED', `the data in ${directory} cannot be read: ${messageOf(thrown)}`, {
    hint: 'check the disk; the peer opens the store anew by itself',
    cause: thrown,
  });
}

/** Whether an error of the system or an engine says that there is no room. */
export const isFullError = (thrown: unknown): boolean => FULL.has(codeOf(thrown));

/** The `code` of a thrown error: text from Node, a number from lmdb. */
export const codeOf = (thrown: unknown): unknown => fieldOf(thrown, 'code');

/** Not by `instanceof`: an error of Node's own or of an addon may come from another realm. */
export const fieldOf = (thrown: unknown, field: string): unknown =>
  typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, field) : undefined;

function messageOf(thrown: unknown): string {
  const message = fieldOf(thrown, 'message');
  return typeof message === 'string' ? message : String(thrown);
}

async function isFull(directory: string): Promise<boolean> {
  try {
    // A disk that does not even answer this is not full.
    const late = setTimeout(ASK_MS, undefined, { ref: false });
    const stats = await Promise.race([statfs(directory), late]);
    return stats !== undefined && stats.bavail * stats.bsize < FULL_BELOW_BYTES;
  } catch {
    // It cannot even be asked: then it failed, whether it is full or not.
    return false;
  }
}
