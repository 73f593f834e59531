import type { OriginId, PeerId } from '../base/ids.js';
import type { Config } from '../config/config.js';
import { MemoryStorage } from '../storage/memory.js';
import { openReadableStore } from '../storage/open-store.js';
import type { ReadableStore } from '../storage/storage.js';
import { newId } from './new-id.js';

/**
 * Opens the store that the config names, for reading, so far.
 * @throws RumeurError `IN_USE`, `CONFIG_INVALID`, `DISK_FULL`, `DISK_FAILED`
 */
export async function openConfigured({ storage, dataDir }: Config): Promise<ReadableStore> {
  return storage === 'memory' ? inMemory() : openReadableStore(storage, { directory: dataDir, newId });
}

function inMemory(): ReadableStore {
  const storage = new MemoryStorage({ peerId: newId() as PeerId, origin: newId() as OriginId });
  return {
    view: storage,
    stored: undefined,
    sizes: () => undefined,
    begin: () => Promise.resolve(storage),
    close: () => storage.close(),
  };
}
