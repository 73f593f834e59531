import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import type { OriginId, PeerId } from '../../src/base/ids.js';
import { Random } from '../../src/base/random.js';
import { ENGINE_NAMES } from '../../src/storage/engines.js';
import { MemoryStorage } from '../../src/storage/memory.js';
import { openStore } from '../../src/storage/open-store.js';
import type { Storage } from '../../src/storage/storage.js';
import { storageCompliance } from './storage.suite.js';

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

describe.each(ENGINE_NAMES)('on disk', (name) => {
  storageCompliance(name, async () => {
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
  });
});
