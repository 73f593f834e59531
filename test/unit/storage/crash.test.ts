import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { OriginId } from '../../../src/base/ids.js';
import { ENGINE_NAMES } from '../../../src/storage/engines.js';
import { openStore } from '../../../src/storage/open-store.js';
import type { Storage } from '../../../src/storage/storage.js';
import { StoreChild } from './child.js';
import { temporaryFolder } from './folder.js';
import { wholeBatches } from './whole-batches.js';

const folder = temporaryFolder();

describe.each(ENGINE_NAMES)('a store of %s whose process dies', (engine) => {
  const reopen = (): Promise<Storage> => openStore(engine, { directory: folder(), newId: nanoid });

  test.each([1, 40, 300])(
    'kill -9 after %i flushed batches: they are there, no batch is there by half',
    async (count) => {
      const child = new StoreChild('stream', folder(), { engine });
      const { peerId, origin } = await child.opened();
      await child.until(({ n = 0 }) => n >= count);
      await child.kill();
      const flushed = Math.max(...child.said.map(({ n = 0 }) => n));

      const storage = await reopen();
      try {
        expect(storage.provenance).toBe('unclean');
        expect(storage.initial.peerId).toBe(peerId);
        expect(storage.initial.origin).not.toBe(origin);
        expect(wholeBatches(storage, origin as OriginId)).toBeGreaterThanOrEqual(flushed);
      } finally {
        await storage.close();
      }
    },
  );

  test('a file that must not grow: a named error, no more writes, what was flushed is there', async () => {
    // The limit is in units of 512 or 1024 bytes, as the shell likes it.
    const child = new StoreChild('stream', folder(), { before: 'ulimit -f 1500', engine });
    const { origin } = await child.opened();
    expect(await child.end()).toBe(0);
    const flushed = Math.max(...child.said.map(({ n = 0 }) => n));
    expect(flushed).toBeGreaterThan(0);
    const failures = child.said.filter(({ code }) => code !== undefined);
    expect(failures.length).toBeGreaterThan(1);
    for (const { code } of failures) expect(code).toMatch(/^DISK_(FULL|FAILED)$/);
    expect(failures.map(({ at }) => at)).toEqual(expect.arrayContaining(['flushed', 'commit', 'close']));
    expect(failures.map(({ at }) => at)).not.toContain('unhandled');
    expect(failures.filter(({ at }) => at === 'failure')).toHaveLength(1);

    const storage = await reopen();
    try {
      expect(storage.provenance).toBe('unclean');
      expect(wholeBatches(storage, origin as OriginId)).toBeGreaterThanOrEqual(flushed);
    } finally {
      await storage.close();
    }
  });
});

describe('the lock of a data directory', () => {
  test('a second process is refused and told by whom; after kill -9 the directory is free at once', async () => {
    const holder = new StoreChild('hold', folder());
    await holder.opened();
    const refused = await new StoreChild('hold', folder()).opened();
    expect(refused.code).toBe('IN_USE');
    expect(refused.message).toContain(folder());
    expect(refused.message).toContain(`process ${holder.pid ?? 0}`);
    expect(refused.hint).toMatch(/dataDir/);
    await holder.kill();
    const next = new StoreChild('hold', folder());
    expect((await next.opened()).provenance).toBe('unclean');
    await next.finish();
  });

  test('a second opening in the same process is refused, until the first is closed', async () => {
    const open = (): Promise<Storage> => openStore('lmdb', { directory: folder(), newId: nanoid });
    const storage = await open();
    await expect(open()).rejects.toMatchObject({ code: 'IN_USE' });
    await storage.close();
    await (await open()).close();
  });
});
