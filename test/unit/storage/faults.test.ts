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
    ['fdatasync', 'EIO', 'DISK_FAILED'],
    ['writev', 'EIO', 'DISK_FAILED'],
    ['writev', 'ENOSPC', 'DISK_FULL'],
  ])(
    '%s with %s: nothing more is written or synced, and what was refused is neither shown nor stored',
    async (call, error, code) => {
      const child = new StoreChild('stream-later', folder(), ONE_WRITER);
      const { origin } = await child.opened();
      const fault = await Fault.inject(
        child.pid,
        join(folder(), 'data.mdb'),
        `${call}:error=${error}:when=3`,
      );
      try {
        child.start();
        expect(await child.end()).toBe(0);
        const said = (at: string) => child.said.filter((each) => each.at === at);
        const flushed = Math.max(...said('flushed').map(({ n = 0 }) => n));
        expect(flushed).toBeGreaterThan(0);
        expect(said('failure')).toMatchObject([{ code }]);
        expect(said('unhandled')).toEqual([]);
        expect(await fault.callsAfter()).toEqual([]);
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
