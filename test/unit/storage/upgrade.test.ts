import { cp, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { writeNote } from '../../../src/storage/disk/note.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import { verifyStore } from '../../../src/storage/disk/verify.js';
import { expectSame } from '../../compliance/storage.checks.js';
import { comparable, StoreModel } from '../../compliance/storage.model.js';
import type { Storage } from '../../../src/storage/storage.js';
import { temporaryFolder } from './folder.js';
import { makeOld } from './raw-file.js';
import { op, OTHER_BUCKET } from './writes.js';

const folder = temporaryFolder();
const open = (): Promise<Storage> => openLmdb({ directory: folder(), newId: nanoid });

/** More than one slice of what layout 1 lacks. */
const KEYS = 5_500;

async function filled(): Promise<StoreModel> {
  const model = new StoreModel();
  const storage = await open();
  const ops = Array.from({ length: KEYS }, (_, i) => op(`key ${i}`, i % 5 === 0 ? null : `${i}`));
  storage.commit(model.batch([...ops, op('a', 'x', { bucket: OTHER_BUCKET }), op('b', 'y', { skip: 9 })]));
  await storage.close();
  return model;
}

async function statedAs(state: 'open' | 'closed'): Promise<void> {
  await writeNote(folder(), ['data.mdb'], state);
}

describe('a store of an earlier layout', () => {
  test.each([1, 2] as const)('%i is copied into the present one when it is opened', async (layout) => {
    const model = await filled();
    const former = await idsOf(await open());
    await makeOld(folder(), layout);
    await statedAs('closed');
    await expect(verifyStore(folder())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    for (let times = 0; times < 2; times++) {
      const storage = await open();
      expect(storage.provenance).toBe('untouched');
      expect(comparable(storage.initial)).toEqual(model.stored());
      expectSame(storage, model, [{}]);
      expect(await idsOf(storage)).toEqual(former);
    }
    const { buckets } = await verifyStore(folder());
    expect(Object.values(buckets).map(({ problemCount }) => problemCount)).toEqual([0, 0]);
    expect((await readdir(folder())).sort()).toEqual(['data.mdb', 'data.mdb-lock', 'lock', 'store.json']);
  });

  test('that was not closed in order stays so', async () => {
    await filled();
    const { peerId, origin } = await idsOf(await open());
    await makeOld(folder(), 2);
    await statedAs('open');
    const storage = await open();
    expect(storage.provenance).toBe('unclean');
    const ids = await idsOf(storage);
    expect(ids.peerId).toBe(peerId);
    expect(ids.origin).not.toBe(origin);
  });

  test('is not taken for a copy when the process died in between', async () => {
    await filled();
    const { peerId } = await idsOf(await open());
    await cp(join(folder(), 'data.mdb'), join(folder(), 'next'));
    await writeNote(folder(), ['data.mdb'], 'open', 'next');
    await rename(join(folder(), 'next'), join(folder(), 'data.mdb'));
    await mkdir(join(folder(), 'fresh'));
    const storage = await open();
    expect(storage.provenance).toBe('unclean');
    expect((await idsOf(storage)).peerId).toBe(peerId);
    expect(await readdir(folder())).not.toContain('fresh');
  });
});

async function idsOf(storage: Storage): Promise<{ peerId: string; origin: string }> {
  const { peerId, origin } = storage.initial;
  await storage.close();
  return { peerId, origin };
}
