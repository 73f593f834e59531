import type { OriginId, PeerId } from '../base/ids.js';
import type { Config } from '../config/config.js';
import type { StoredState } from '../replica/batch.js';
import type { View } from '../replica/view.js';
import { MemoryStorage } from '../storage/memory.js';
import { openStore } from '../storage/open-store.js';
import type { Storage, StoreSizes } from '../storage/storage.js';
import { newId } from './new-id.js';

export interface ReadableStore {
  readonly view: View;
  readonly stored: StoredState | undefined;
  sizes(): StoreSizes | undefined;
  begin(): Promise<Storage>;
  close(): Promise<void>;
}

/**
 * Opens the store that the config names, for reading, so far.
 * @throws RumeurError `IN_USE`, `CONFIG_INVALID`, `DISK_FULL`, `DISK_FAILED`
 */
export async function openConfigured({ storage, dataDir }: Config): Promise<ReadableStore> {
  if (storage !== 'memory') return begun(await openStore(storage, { directory: dataDir, newId }));
  return begun(new MemoryStorage({ peerId: newId() as PeerId, origin: newId() as OriginId }));
}

/** A store that is written already. */
const begun = (storage: Storage): ReadableStore => ({
  view: storage,
  stored: storage.initial,
  sizes: () => storage.sizes(),
  begin: () => Promise.resolve(storage),
  close: () => storage.close(),
});
