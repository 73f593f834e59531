import { openDisk, type StoreOptions } from '../disk/open.js';
import type { Storage } from '../storage.js';
import { lmdbEngine } from './rows.js';

/** `openDisk` with LMDB, and unless it is asked for without a probe. */
export const openLmdb = (options: StoreOptions): Promise<Storage> =>
  openDisk(lmdbEngine, { probe: false, ...options });
