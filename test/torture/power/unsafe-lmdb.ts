/*
 * lmdb with the settings that it has by default: sync and commit overlap, and a transaction that was not synced is
 * trusted as long as the machine's boot id is the same, which it is in all images. For the control alone.
 */
import { open as openSafely } from 'lmdb';

export const open = ((options: object) =>
  openSafely({ ...options, overlappingSync: true, safeRestore: false } as never)) as typeof openSafely;
