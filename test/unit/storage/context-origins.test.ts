import { Buffer } from 'node:buffer';
import { expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET, type OriginId } from '../../../src/base/ids.js';
import { type Entry, isSound, sealEntry } from '../../../src/data/entry.js';
import { stampAt } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import type { Batch } from '../../../src/replica/batch.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import type { Storage } from '../../../src/storage/storage.js';
import { temporaryFolder } from './folder.js';
import { rowsOf, withRawTables } from './raw-file.js';
import { ORIGIN } from './writes.js';

const folder = temporaryFolder();
const open = (): Promise<Storage> => openLmdb({ directory: folder(), newId: nanoid });

const EMPTY: Batch = { puts: [], vectors: [], floors: [], totals: [], damages: [], members: [] };
const put = (before: readonly Entry[], after: readonly Entry[]): Batch => ({
  ...EMPTY,
  puts: [{ bucket: DEFAULT_BUCKET, key: 'k', before, after }],
  vectors: [{ bucket: DEFAULT_BUCKET, origin: ORIGIN, intervals: [1, 1] }],
});

test('origins that only a context names get no number that outlives the row', async () => {
  const strangers = Array.from({ length: 500 }, () => nanoid<OriginId>());
  const context = new VersionVector(strangers.map((origin) => [origin, [1, 3, 7, 7]]));
  context.add(ORIGIN, 1, 1);
  const entry = sealEntry({
    key: 'k',
    origin: ORIGIN,
    seq: 1,
    stamp: stampAt(1),
    value: Buffer.from('1'),
    context,
  });
  let storage = await open();
  storage.commit(put([], [entry]));
  await storage.close();

  storage = await open();
  const [read] = storage.get(DEFAULT_BUCKET, 'k');
  expect(read && isSound(read)).toBe(true);
  expect(read?.context?.toText()).toBe(context.toText());
  storage.commit(put([entry], []));
  await storage.close();

  await withRawTables(folder(), (table) => {
    const origins = rowsOf(table('state')).filter(({ key }) => key[0] === 'o'.charCodeAt(0));
    expect(origins.map(({ value }) => value.toString())).toEqual([ORIGIN]);
    const rest = rowsOf(table('entries')).length;
    expect(rest).toBe(0);
  });
});
