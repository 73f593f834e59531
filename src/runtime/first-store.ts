import { type RumeurError, toRumeurError } from '../base/errors.js';
import type { StoredState } from '../replica/batch.js';
import type { ReadableStore, Storage } from '../storage/storage.js';
import type { StoreOpener } from './open-store.js';

/** What a peer starts with: a store that can be written or, while its disk does not allow that, only read. */
export type FirstStore =
  | { readonly storage: Storage }
  | { readonly store: ReadableStore; readonly stored: StoredState; readonly failure: RumeurError };

/**
 * Opens the store for a start. One that is there and can be read is good for that also where the disk is full or refuses
 * to be written.
 * @throws RumeurError `IN_USE`, `CONFIG_INVALID`, `DISK_FULL`, `DISK_FAILED`
 */
export async function openFirst(opener: StoreOpener): Promise<FirstStore> {
  const store = await opener.open();
  try {
    return { storage: await store.begin() };
  } catch (thrown) {
    const failure = toRumeurError(thrown);
    if (!store.stored) throw failure;
    const again = await opener.open();
    if (again.stored) return { store: again, stored: again.stored, failure };
    await again.close();
    throw failure;
  }
}

/** Releases it, whichever it is. */
export const closeFirst = (first: FirstStore): Promise<void> =>
  'storage' in first ? first.storage.close() : first.store.close();
