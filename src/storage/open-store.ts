import type { OriginId, PeerId } from '../base/ids.js';
import type { StoredState } from '../replica/batch.js';
import type { View } from '../replica/view.js';
import { MemoryStorage } from './memory.js';
import type { Storage, StoreSizes } from './storage.js';

/** A store that can be read and has not been written yet. */
export interface ReadableStore {
  /** Whether there was a store before; without one there is nothing to read. */
  readonly isThere: boolean;
  readonly view: View;
  /** What was stored; the ids are those of the last run, for a store that is new those of this one. */
  readonly stored: StoredState;
  sizes(): StoreSizes | undefined;
  /**
   * Lets it be written: when the promise resolves, the ids of this run and the mark that the store is open are on the disk,
   * and the view goes on to show what is stored.
   * @throws RumeurError `DISK_FULL`, `DISK_FAILED`; then it is good for `close` alone
   */
  begin(): Promise<Storage>;
  /** Releases it. Not to be called after `begin` has resolved: then the storage is closed. */
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly storage: 'lmdb' | 'memory';
  /** Where a store on disk has its files; made when it is missing. Nobody else may use it while the store is open. */
  readonly directory: string;
  /** A new random id, 21 characters of nanoid's alphabet: for the peer id and the origin. */
  readonly newId: () => string;
}

/**
 * Opens the store that the config names, for reading.
 * @throws RumeurError `IN_USE`, `CONFIG_INVALID`, `DISK_FULL`, `DISK_FAILED`
 */
export async function openStore({ storage, directory, newId }: StoreOptions): Promise<ReadableStore> {
  if (storage === 'memory')
    return begun(new MemoryStorage({ peerId: newId() as PeerId, origin: newId() as OriginId }));
  const { openLmdb } = await import('./lmdb/open.js');
  return begun(await openLmdb({ directory, newId }));
}

const begun = (storage: Storage): ReadableStore => ({
  isThere: storage.provenance !== 'new',
  view: storage,
  stored: storage.initial,
  sizes: () => storage.sizes(),
  begin: () => Promise.resolve(storage),
  close: () => storage.close(),
});
