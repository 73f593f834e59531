import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { OriginId } from '../../../src/base/ids.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import { StoreChild } from './child.js';
import { temporaryFolder } from './folder.js';
import { Fault, faultTest, ONE_WRITER } from './strace.js';
import { wholeBatches } from './whole-batches.js';

const folder = temporaryFolder();

describe('a system call of a commit that fails', () => {
  faultTest.each([
    ['fdatasync', 'EIO', 3, 'DISK_FAILED'],
    ['writev', 'EIO', 3, 'DISK_FAILED'],
    ['writev', 'ENOSPC', 3, 'DISK_FULL'],
    // The fourth is the end of the second transaction; lmdb lets nobody read any more after that.
    ['pwrite64', 'EIO', 4, 'DISK_FAILED'],
    ['pwrite64', 'ENOSPC', 4, 'DISK_FULL'],
  ])(
    '%s with %s: nothing more is written or synced, and what was refused is neither shown nor stored',
    async (call, error, when, code) => {
      const child = new StoreChild('stream-later', folder(), { before: ONE_WRITER });
      const { origin } = await child.opened();
      const fault = await Fault.inject(
        child.pid,
        join(folder(), 'data.mdb'),
        `${call}:error=${error}:when=${when}`,
      );
      try {
        child.start();
        expect(await child.end()).toBe(0);
        const said = (at: string) => child.said.filter((each) => each.at === at);
        const flushed = Math.max(...said('flushed').map(({ n = 0 }) => n));
        expect(flushed).toBeGreaterThan(0);
        expect(said('failure')).toMatchObject([{ code }]);
        expect(said('unhandled')).toEqual([]);
        // lmdb writes over the end of a transaction that failed what stood there before; that is no attempt to store it.
        const after = await fault.callsAfter();
        expect(after).toEqual(call === 'pwrite64' ? ['pwrite64'] : []);
        const [visible] = said('visible');
        const [unread] = said('read');
        if (unread === undefined) expect(visible?.n).toBe(flushed);
        else expect(unread.code).toBe('DISK_FAILED');

        const storage = await openLmdb({ directory: folder(), newId: nanoid });
        try {
          expect(storage.provenance).toBe('unclean');
          expect(wholeBatches(storage, origin as OriginId)).toBe(flushed);
        } finally {
          await storage.close();
        }
      } finally {
        await fault.dispose();
      }
    },
  );
});
