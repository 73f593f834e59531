import { Buffer } from 'node:buffer';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { open as openDatabase } from 'lmdb';
import { nanoid } from 'nanoid';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import { verifyStore } from '../../../src/storage/disk/verify.js';
import { expectSame } from '../../compliance/storage.checks.js';
import { StoreChild } from './child.js';
import { temporaryFolder } from './folder.js';
import { fill } from './writes.js';

const folder = temporaryFolder();
const dataFile = (): string => join(folder(), 'data.mdb');
const PAGE = 4096;
/** Where lmdb says up to where it has synced, in the mode that earlier versions used. */
const SYNCED = PAGE / 2;

/**
 * Changes rows as earlier versions did, and gives back what a power loss may have left: what says that the last
 * transaction is there, without its pages.
 */
async function tornImage(): Promise<Buffer> {
  const root = openDatabase<unknown, string>({ path: dataFile(), maxDbs: 8, overlappingSync: true });
  const entries = root.openDB<Buffer, Buffer>('entries', { keyEncoding: 'binary', encoding: 'binary' });
  const rows = [...entries.getRange()];
  const writeAll = async (change: (value: Buffer) => Buffer): Promise<Buffer> => {
    await Promise.all(rows.map(({ key, value }) => entries.put(key, change(value))));
    await root.flushed;
    return readFile(dataFile());
  };
  const sound = await writeAll((value) => value);
  const image = await writeAll(() => Buffer.alloc(900, 'lost'));
  await root.close();
  sound.copy(image, SYNCED, SYNCED, PAGE);
  sound.copy(image, 2 * PAGE, 2 * PAGE);
  return image;
}

test('a file that an earlier version left at a power loss goes back to what was synced', async () => {
  const storage = await openLmdb({ directory: folder(), newId: nanoid });
  const model = await fill(storage);
  await storage.close();
  await writeFile(dataFile(), await tornImage());

  // In a process of its own: lmdb ends it when it trusts pages that are not there.
  const child = new StoreChild('hold', folder());
  expect((await child.opened()).provenance).toBe('unclean');
  await child.finish();
  const { buckets } = await verifyStore(folder());
  expect(Object.values(buckets).map(({ problemCount }) => problemCount)).toEqual([0, 0]);
  const reopened = await openLmdb({ directory: folder(), newId: nanoid });
  expectSame(reopened, model, [{}]);
  await reopened.close();
});
