import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET, type OriginId } from '../../../src/base/ids.js';
import type { Stamp } from '../../../src/data/stamp.js';
import type { Batch, DamageMark } from '../../../src/replica/batch.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import type { Storage } from '../../../src/storage/storage.js';
import { temporaryFolder } from './folder.js';
import { makeOld, rowsOf, withRawTables } from './raw-file.js';
import { fill, ORIGIN } from './writes.js';

const folder = temporaryFolder();
const open = (): Promise<Storage> => openLmdb({ directory: folder(), newId: nanoid });

const STRANGER = 'S'.repeat(21) as OriginId;
const NOTHING: Batch = { puts: [], vectors: [], floors: [], totals: [], damages: [], members: [] };

async function markRows(): Promise<{ key: Buffer; value: Buffer }[]> {
  return await withRawTables(folder(), (table) =>
    rowsOf(table('state')).filter(({ key }) => key[0] === 'd'.charCodeAt(0)),
  );
}

describe('damage marks on disk', () => {
  test('are rows of their own: one that is cleared changes no other', async () => {
    let storage = await open();
    const marks = Array.from({ length: 3 }, (_, i) => mark(STRANGER, i + 1, 5n));
    storage.commit({
      ...NOTHING,
      damages: [{ bucket: DEFAULT_BUCKET, set: marks, cleared: [], isUnsettled: false }],
    });
    await storage.close();
    expect(await markRows()).toHaveLength(3);
    storage = await open();
    const cleared = marks.slice(1, 2);
    storage.commit({
      ...NOTHING,
      damages: [{ bucket: DEFAULT_BUCKET, set: [], cleared, isUnsettled: false }],
    });
    await storage.close();
    storage = await open();
    expect(storage.initial.buckets.get(DEFAULT_BUCKET)?.damages).toEqual([marks[0], marks[2]]);
    await storage.close();
  });

  test('that an earlier version left in one row are read, and get rows of their own at the next open', async () => {
    let storage = await open();
    await fill(storage);
    await storage.close();
    const marks = [mark(ORIGIN, 3), mark(STRANGER, 7)];
    await makeOld(folder(), 2);
    await withRawTables(folder(), async (table) => {
      const row = Buffer.from(JSON.stringify(marks));
      await table('state').putRaw(Buffer.from([...Buffer.from('d'), 0, 0]), row);
    });
    for (let times = 0; times < 2; times++) {
      storage = await open();
      // What was counted when that version was ended, nobody knows.
      expect(storage.initial.buckets.get(DEFAULT_BUCKET)).toMatchObject({
        damages: marks,
        isUnsettled: true,
      });
      await storage.close();
      expect(await markRows()).toHaveLength(2);
    }
  });
});

const mark = (origin: OriginId, seq: number, stamp?: bigint): DamageMark => ({
  origin,
  seq,
  key: `key ${seq}`,
  ...(stamp === undefined ? {} : { stamp: stamp as Stamp }),
});
