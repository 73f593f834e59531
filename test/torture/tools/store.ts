import { nanoid } from 'nanoid';
import type { Storage } from '../../../src/storage/storage.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import { type StoreReport, verifyStore } from '../../../src/storage/disk/verify.js';

/** Opens a store of that engine as a peer does. */
export function openStore(storage: string, directory: string): Promise<Storage> {
  if (storage !== 'lmdb') throw new Error(`nobody knows how to open a store of ${storage}`);
  return openLmdb({ directory, newId: nanoid });
}

/** Compares all that a store which nobody uses holds with itself. */
export function checkStore(storage: string, directory: string): Promise<StoreReport> {
  if (storage !== 'lmdb') throw new Error(`nobody knows how to check a store of ${storage}`);
  return verifyStore(directory);
}

/** The files of a store of that engine in its directory that faults may strike. */
export function filesOf(storage: string): readonly string[] {
  if (storage !== 'lmdb') throw new Error(`nobody knows the files of ${storage}`);
  return ['data.mdb', 'data.mdb-lock', 'store.json', 'store.json.new', ''];
}
