import { Buffer } from 'node:buffer';
import { mkdir, open as openFile, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET } from '../../../src/base/ids.js';
import type { SetAside } from '../../../src/storage/disk/aside.js';
import { verifyStore } from '../../../src/storage/disk/verify.js';
import { openStore } from '../../../src/storage/open-store.js';
import type { Storage } from '../../../src/storage/storage.js';
import { StoreModel } from '../../compliance/storage.model.js';
import { temporaryFolder } from './folder.js';
import { withRawTables } from './raw-file.js';
import { op } from './writes.js';

const folder = temporaryFolder();
const dataFile = (): string => join(folder(), 'data.mdb');
const KEYS = 1_200;

async function open(more: { probeSilence?: number } = {}): Promise<Storage & { asides: SetAside[] }> {
  const asides: SetAside[] = [];
  const onAside = (aside: SetAside): void => void asides.push(aside);
  const storage = await openStore('lmdb', { directory: folder(), newId: nanoid, onAside, ...more });
  return Object.assign(storage, { asides });
}

async function filled(): Promise<void> {
  const storage = await open();
  const model = new StoreModel();
  storage.commit(model.batch(Array.from({ length: KEYS }, (_, i) => op(`key ${i}`, `value ${i}`))));
  await storage.close();
}

async function zero(from: number, to: number): Promise<void> {
  const file = await openFile(dataFile(), 'r+');
  await file.write(Buffer.alloc(to - from), 0, to - from, from);
  await file.close();
}

const DAMAGES: readonly (readonly [string, () => Promise<void>])[] = [
  ['the begin of the file', () => zero(0, 4096)],
  ['all pages but the first two', async () => zero(8192, (await stat(dataFile())).size)],
  ['half of the file', async () => truncate(dataFile(), Math.floor((await stat(dataFile())).size / 2))],
  [
    'a row of the state',
    () =>
      withRawTables(folder(), (table) => table('state').putRaw(Buffer.from('mclock'), Buffer.from('"0"'))),
  ],
];

describe('a store that cannot be read', () => {
  test.each(DAMAGES)('%s: it is moved away, and a new one begins', async (_, damage) => {
    await filled();
    await damage();
    const damaged = await readFile(dataFile());
    let storage = await open();
    expect(storage.provenance).toBe('new');
    expect(storage.asides).toMatchObject([{ reason: expect.stringMatching(/\w/) as unknown }]);
    const { path = '' } = storage.asides[0] ?? {};
    expect(path.startsWith(join(folder(), 'aside-'))).toBe(true);
    expect((await readFile(join(path, 'data.mdb'))).equals(damaged)).toBe(true);
    const { peerId } = storage.initial;
    await storage.close();
    storage = await open();
    expect(storage.initial.peerId).toBe(peerId);
    expect(storage.asides).toEqual([]);
    await storage.close();
  });

  test('because it hangs: the same', async () => {
    await filled();
    // No process says anything within a millisecond.
    const storage = await open({ probeSilence: 1 });
    expect(storage.provenance).toBe('new');
    expect(storage.asides).toMatchObject([{ reason: 'reading it hangs' }]);
    await storage.close();
  });

  test('for the third time within an hour: nothing is moved, and it is refused', async () => {
    await filled();
    await zero(0, 8192);
    await mkdir(join(folder(), 'aside-1'));
    await mkdir(join(folder(), 'aside-2'));
    const before = await readdir(folder());
    await expect(open()).rejects.toMatchObject({
      code: 'DISK_FAILED',
      message: expect.stringContaining('third time') as unknown,
    });
    expect(await readdir(folder())).toEqual(before);
  });

  test('for a reason that is not its own: it is refused and stays where it is', async () => {
    await filled();
    await rm(dataFile());
    await mkdir(dataFile());
    await expect(open()).rejects.toMatchObject({ code: 'DISK_FAILED' });
    expect((await readdir(folder())).sort()).toEqual(['data.mdb', 'data.mdb-lock', 'lock', 'store.json']);
  });

  test('by this version: it is refused and stays as it is', async () => {
    await filled();
    await withRawTables(folder(), (table) => table('state').put(Buffer.from('mformat'), Buffer.from('4')));
    const before = await readFile(dataFile());
    await expect(open()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect((await readFile(dataFile())).equals(before)).toBe(true);
  });
});

test('a store of which very many rows of indexes are damaged is made anew without them', async () => {
  await filled();
  await withRawTables(folder(), async (table) => {
    const dots = table('dots');
    const damaged = dots.raw().slice(0, 1_100);
    await Promise.all(damaged.map(({ key, value }) => dots.putRaw(key, value.subarray(1))));
  });
  const storage = await open();
  expect(storage.asides).toEqual([]);
  expect(storage.provenance).toBe('unclean');
  expect(storage.initial.buckets.get(DEFAULT_BUCKET)?.isUnsettled).toBe(true);
  expect([...storage.cells(DEFAULT_BUCKET, {})]).toHaveLength(KEYS);
  await storage.close();
  const { problems = [] } = (await verifyStore(folder())).buckets[DEFAULT_BUCKET] ?? {};
  expect(new Set(problems.map(({ kind }) => kind))).toEqual(new Set(['dot-missing']));
});
