import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import type { OriginId, PeerId } from '../../src/base/ids.js';
import { Random } from '../../src/base/random.js';
import { ENGINE_NAMES, type EngineName } from '../../src/storage/engines.js';
import { MemoryStorage } from '../../src/storage/memory.js';
import { openStore } from '../../src/storage/open-store.js';
import type { Storage } from '../../src/storage/storage.js';
import { storageCompliance, type StorageUnderTest } from './storage.suite.js';

storageCompliance('memory', () => {
  let store = new MemoryStorage({ peerId: 'P'.repeat(21) as PeerId, origin: 'O'.repeat(21) as OriginId });
  return Promise.resolve({
    open: () => Promise.resolve(store),
    reopen: async () => {
      await store.close();
      const snapshot = store.snapshot();
      store = new MemoryStorage(snapshot.ids, { snapshot, provenance: 'untouched' });
      return store;
    },
    dispose: () => store.close(),
  });
});

/** Opening it takes some 50 ms, and a random history does so several times. */
const RANDOM_RUNS: Partial<Record<EngineName, number>> = { level: 8 };

describe.each(ENGINE_NAMES)('on disk', (name) => {
  const begin = async (): Promise<StorageUnderTest> => {
    const directory = await mkdtemp(join(tmpdir(), 'rumeur-storage-'));
    const random = Random.fromNumber(1);
    const open = (): Promise<Storage> =>
      openStore(name, { directory, newId: () => random.id(), probe: false });
    return {
      open,
      reopen: async (storage: Storage) => {
        await storage.close();
        return open();
      },
      dispose: async (storage: Storage) => {
        await storage.close();
        await rm(directory, { recursive: true });
      },
    };
  };
  storageCompliance(name, begin, RANDOM_RUNS[name]);
});
