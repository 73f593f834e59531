import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import { verifyStore } from '../../../src/storage/disk/verify.js';
import { expectSame } from '../../compliance/storage.checks.js';
import { comparable, StoreModel } from '../../compliance/storage.model.js';
import type { Storage } from '../../../src/storage/storage.js';
import { temporaryFolder } from './folder.js';
import { rowsOf, withRawTables } from './raw-file.js';
import { op, OTHER_BUCKET } from './writes.js';

const folder = temporaryFolder();
const open = (): Promise<Storage> => openLmdb({ directory: folder(), newId: nanoid });

/** More than one slice of the upgrade. */
const KEYS = 5_500;

async function filled(): Promise<StoreModel> {
  const model = new StoreModel();
  const storage = await open();
  const ops = Array.from({ length: KEYS }, (_, i) => op(`key ${i}`, i % 5 === 0 ? null : `${i}`));
  storage.commit(model.batch([...ops, op('a', 'x', { bucket: OTHER_BUCKET }), op('b', 'y', { skip: 9 })]));
  await storage.close();
  return model;
}

/** Makes of the store what the first version would have left, or the rest of an upgrade that was cut off. */
const makeOld = (isHalfUpgraded: boolean): Promise<void> =>
  withRawTables(folder(), async (table) => {
    const state = table('state');
    await state.put(Buffer.from('mformat'), Buffer.from('1'));
    for (const { key, value } of rowsOf(state))
      if (key[0] === 't'.charCodeAt(0)) await state.put(key, value.subarray(0, 24));
    if (isHalfUpgraded) return;
    await table('tombstones').drop();
    await table('ranges').drop();
  });

describe('a store of the first layout', () => {
  test.each([
    ['as it was left', false],
    ['with half of the new indexes', true],
  ])('%s is brought up to date when it is opened', async (_, isHalfUpgraded) => {
    const model = await filled();
    await makeOld(isHalfUpgraded);
    await expect(verifyStore(folder())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    let storage = await open();
    try {
      expect(comparable(storage.initial)).toEqual(model.stored());
      expectSame(storage, model, [{}]);
      const { peerId, origin } = storage.initial;
      await storage.close();
      storage = await open();
      expect(storage.provenance).toBe('untouched');
      expect(storage.initial).toMatchObject({ peerId, origin });
    } finally {
      await storage.close();
    }
    const { buckets } = await verifyStore(folder());
    expect(Object.values(buckets).map(({ problemCount }) => problemCount)).toEqual([0, 0]);
  });
});
