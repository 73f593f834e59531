import { Buffer } from 'node:buffer';
import { readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { compactStore } from '../../../src/storage/disk/compact.js';
import { verifyStore } from '../../../src/storage/disk/verify.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import type { Storage } from '../../../src/storage/storage.js';
import { expectSame } from '../../compliance/storage.checks.js';
import { StoreModel } from '../../compliance/storage.model.js';
import { temporaryFolder } from './folder.js';
import { op } from './writes.js';

const folder = temporaryFolder();
const MIB = 2 ** 20;
const open = (shrinkAbove?: number): Promise<Storage> =>
  openLmdb({
    directory: folder(),
    newId: nanoid,
    ...(shrinkAbove === undefined ? {} : { shrinkAbove }),
  });
const fileBytes = async (): Promise<number> => (await stat(join(folder(), 'data.mdb'))).size;

/** A store of which nearly everything was taken out again. */
async function hollow(): Promise<StoreModel> {
  const storage = await open();
  const model = new StoreModel();
  const value = Buffer.alloc(30_000, 'v');
  const ops = Array.from({ length: 100 }, (_, i) => op(`key ${i}`, null, { value }));
  storage.commit(model.batch(ops));
  await storage.flushed();
  storage.commit(model.batch(ops.slice(5).map((each) => ({ ...each, value: null, kind: 'drop' as const }))));
  await storage.close();
  return model;
}

describe('the room that a store takes', () => {
  test('stays bounded however often its content is overwritten and deleted', async () => {
    const storage = await open();
    const model = new StoreModel();
    let mostLive = 0;
    for (let round = 0; round < 60; round++) {
      const ops = Array.from({ length: 40 }, (_, i) => {
        const size = (i * 7_919 + round * 104_729) % 40_000;
        return op(`key ${(i * (round + 1)) % 97}`, null, {
          value: i % 5 === 0 ? null : Buffer.alloc(size, round),
        });
      });
      storage.commit(model.batch(ops));
      await storage.flushed();
      const { liveBytes = 0, freeBytes = 0, fileBytes: all = 0 } = storage.sizes() ?? {};
      mostLive = Math.max(mostLive, liveBytes);
      expect(liveBytes + freeBytes).toBe(all);
    }
    expect(mostLive).toBeGreaterThan(MIB);
    expect(storage.sizes()?.fileBytes).toBeLessThanOrEqual(2 * mostLive + MIB);
    expect(await fileBytes()).toBeLessThanOrEqual(2 * mostLive + MIB);
    await storage.close();
  });

  test('comes back at the next start when most of it is free, and the store goes on as it was', async () => {
    const model = await hollow();
    const before = await fileBytes();
    let storage = await open();
    const { peerId, origin } = storage.initial;
    await storage.close();
    expect(await fileBytes()).toBeGreaterThanOrEqual(before);
    storage = await open(MIB);
    expect(storage.provenance).toBe('untouched');
    expect(storage.initial).toMatchObject({ peerId, origin });
    expectSame(storage, model, [{}]);
    expect(storage.sizes()?.freeBytes).toBeLessThan(MIB);
    await storage.close();
    expect(await fileBytes()).toBeLessThan(before / 4);
  });

  test('comes back by compacting, with which nothing else changes', async () => {
    const model = await hollow();
    const { before, after } = await compactStore(folder());
    expect(before.freeBytes).toBeGreaterThan(2 * MIB);
    expect(after.fileBytes).toBeLessThan(before.fileBytes / 4);
    expect(after.fileBytes).toBe(await fileBytes());
    const { buckets } = await verifyStore(folder());
    expect(Object.values(buckets).map(({ problemCount }) => problemCount)).toEqual([0]);
    const storage = await open();
    expect(storage.provenance).toBe('untouched');
    expectSame(storage, model, [{}]);
    await expect(compactStore(folder())).rejects.toMatchObject({ code: 'IN_USE' });
    await storage.close();
  });

  test('there is no compacting where there is no store, or one that cannot be read', async () => {
    await expect(compactStore(folder())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await hollow();
    const path = join(folder(), 'data.mdb');
    await truncate(path, (await fileBytes()) / 2);
    const before = await readFile(path);
    await expect(compactStore(folder())).rejects.toMatchObject({ code: 'DISK_FAILED' });
    expect((await readFile(path)).equals(before)).toBe(true);
  });
});
