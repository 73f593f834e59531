import type { StoreOptions } from './disk/open.js';
import { type EngineName, engineNamed } from './engines.js';
import type { ReadableStore, Storage } from './storage.js';

/** Opens a store for reading, so far. */
export async function openReadableStore(name: EngineName, options: StoreOptions): Promise<ReadableStore> {
  const [engine, { openReadable }] = await Promise.all([engineNamed(name), import('./disk/open.js')]);
  return openReadable(engine, options);
}

/** Opens a store on disk; `disk/open.ts` says what may go wrong. */
export async function openStore(name: EngineName, options: StoreOptions): Promise<Storage> {
  const [engine, { openDisk }] = await Promise.all([engineNamed(name), import('./disk/open.js')]);
  return openDisk(engine, options);
}
