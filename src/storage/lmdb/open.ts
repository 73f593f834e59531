import { openDisk, type StoreOptions } from '../disk/open.js';
import type { Storage } from '../storage.js';
import { lmdbEngine } from './rows.js';

/** `openDisk` with LMDB. */
export const openLmdb = (options: StoreOptions): Promise<Storage> => openDisk(lmdbEngine, options);
