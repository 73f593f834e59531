import { Buffer } from 'node:buffer';
import { chmod, mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { open as openDatabase } from 'lmdb';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET, type OriginId } from '../../../src/base/ids.js';
import { sealEntry } from '../../../src/data/entry.js';
import type { Stamp } from '../../../src/data/stamp.js';
import type { Put } from '../../../src/replica/batch.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import { temporaryFolder } from './folder.js';

const folder = temporaryFolder();
const dataFile = (): string => join(folder(), 'data.mdb');
const open = (directory = folder()): Promise<unknown> => openLmdb({ directory, newId: nanoid });

/** The opening is refused with this code and says what to do, and the data file stays byte for byte as it is. */
async function expectRefused(code: string): Promise<void> {
  const before = await readFile(dataFile());
  const { mtimeNs } = await stat(dataFile(), { bigint: true });
  await expect(open()).rejects.toMatchObject({ code, message: expect.stringContaining(folder()) as unknown });
  await expect(open()).rejects.toHaveProperty('hint', expect.stringMatching(/\w/));
  expect(Buffer.compare(await readFile(dataFile()), before)).toBe(0);
  expect((await stat(dataFile(), { bigint: true })).mtimeNs).toBe(mtimeNs);
}

const manyPuts = (origin: OriginId): Put[] =>
  Array.from({ length: 500 }, (_, i) => {
    const entry = sealEntry({
      key: `k${i}`,
      origin,
      seq: i + 1,
      stamp: 1n as Stamp,
      value: Buffer.alloc(1000),
    });
    return { bucket: DEFAULT_BUCKET, key: entry.key, before: [], after: [entry] };
  });

describe('a data directory that cannot be used', () => {
  test('is a file, or lies under one', async () => {
    const file = join(folder(), 'file');
    await writeFile(file, 'text');
    await expect(open(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(open(join(file, 'below'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  // The superuser may write anywhere.
  (process.getuid?.() === 0 ? test.skip : test)('is not writable', async () => {
    const directory = join(folder(), 'fixed');
    await mkdir(directory);
    await chmod(directory, 0o555);
    await expect(open(directory)).rejects.toMatchObject({ code: 'DISK_FAILED' });
  });

  test.each([
    ['garbage', Buffer.alloc(20_000, 'garbage')],
    ['a few bytes', Buffer.from('x')],
    ['zeros', Buffer.alloc(8192)],
  ])('holds %s in place of the data file', async (_, content) => {
    await writeFile(dataFile(), content);
    await expectRefused('DISK_FAILED');
    await rm(dataFile());
    await (await openLmdb({ directory: folder(), newId: nanoid })).close();
  });

  test('holds a data file of which a part is missing', async () => {
    const storage = await openLmdb({ directory: folder(), newId: nanoid });
    const nothing = { vectors: [], floors: [], totals: [], damages: [], members: [] };
    storage.commit({ puts: manyPuts(storage.initial.origin), ...nothing });
    await storage.close();
    const { size } = await stat(dataFile());
    await truncate(dataFile(), size / 2);
    await expectRefused('DISK_FAILED');
    await truncate(dataFile(), 5000);
    await expectRefused('DISK_FAILED');
  });

  test('has an empty data file: a store begins there', async () => {
    await writeFile(dataFile(), '');
    const storage = await openLmdb({ directory: folder(), newId: nanoid });
    expect(storage.provenance).toBe('new');
    await storage.close();
  });

  test.each(['data.mdb', 'data.mdb-lock', 'lock', 'store.json'])(
    'has a directory in place of %s',
    async (name) => {
      await (await openLmdb({ directory: folder(), newId: nanoid })).close();
      await rm(join(folder(), name));
      await mkdir(join(folder(), name));
      await expect(open()).rejects.toMatchObject({ code: 'DISK_FAILED' });
    },
  );

  test('holds a database of something else', async () => {
    const database = openDatabase<string, string>({ path: dataFile(), maxDbs: 4, overlappingSync: false });
    await database.openDB<string, string>('theirs', {}).put('a', 'b');
    await database.close();
    await expectRefused('CONFIG_INVALID');
  });

  test.each(['4', '0', '"2"', '33'])('holds a store of a format that is not known: %s', async (format) => {
    await (await openLmdb({ directory: folder(), newId: nanoid })).close();
    const database = openDatabase<string, string>({ path: dataFile(), maxDbs: 4, overlappingSync: false });
    const state = database.openDB<Buffer, Buffer>('state', { keyEncoding: 'binary', encoding: 'binary' });
    await state.put(Buffer.from('mformat'), Buffer.from(format));
    await database.close();
    await expectRefused('CONFIG_INVALID');
  });

  test('held a store that was begun and came to nothing: it begins anew', async () => {
    const database = openDatabase<string, string>({ path: dataFile(), maxDbs: 4, overlappingSync: false });
    database.openDB<Buffer, Buffer>('state', { keyEncoding: 'binary', encoding: 'binary' });
    await database.close();
    const storage = await openLmdb({ directory: folder(), newId: nanoid });
    expect(storage.provenance).toBe('new');
    await storage.close();
  });
});
