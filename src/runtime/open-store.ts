import type { OriginId, PeerId } from '../base/ids.js';
import type { Config } from '../config/config.js';
import type { Note } from '../replica/step.js';
import { MemoryStorage } from '../storage/memory.js';
import { openReadableStore } from '../storage/open-store.js';
import type { ReadableStore } from '../storage/storage.js';
import { asideNote } from './disk-notes.js';
import { newId } from './new-id.js';

/** Opens the store of a peer, at its start and whenever its disk has failed. */
export interface StoreOpener {
  /**
   * Opens it for reading, so far, on a new handle.
   * @throws RumeurError `IN_USE`, `CONFIG_INVALID`, `DISK_FULL`, `DISK_FAILED`
   */
  open(): Promise<ReadableStore>;
  /** Where a store is that could not be read and was moved away. */
  readonly aside: string | undefined;
}

/** Opens the store that the config names. */
export class ConfiguredStore implements StoreOpener {
  readonly #config: Config;
  readonly #onNote: (note: Note) => void;
  #aside: string | undefined;

  constructor(config: Config, onNote: (note: Note) => void) {
    this.#config = config;
    this.#onNote = onNote;
  }

  get aside(): string | undefined {
    return this.#aside;
  }

  async open(): Promise<ReadableStore> {
    const { storage, dataDir } = this.#config;
    if (storage === 'memory') return inMemory();
    return openReadableStore(storage, {
      directory: dataDir,
      newId,
      onAside: ({ path, reason }) => {
        this.#aside = path;
        this.#onNote(asideNote(path, reason));
      },
    });
  }
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
