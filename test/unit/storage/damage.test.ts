import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET } from '../../../src/base/ids.js';
import { isSound } from '../../../src/data/entry.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import type { Storage } from '../../../src/storage/storage.js';
import { temporaryFolder } from './folder.js';
import { spoil, withRawTables } from './raw-file.js';
import { fill, ORIGIN } from './writes.js';

const folder = temporaryFolder();
const open = (): Promise<Storage> => openLmdb({ directory: folder(), newId: nanoid });

async function filled(): Promise<void> {
  const storage = await open();
  await fill(storage);
  await storage.close();
}

const isRowOf =
  (key: string) =>
  (bytes: Buffer): boolean =>
    bytes.readUInt16BE(0) === 0 && bytes.subarray(2).toString() === key;

describe('a row whose bytes have changed', () => {
  test.each([
    ['an empty row', () => Buffer.alloc(0)],
    ['a format of its own', (row: Buffer) => Buffer.concat([Buffer.of(9), row.subarray(1)])],
    ['half a row', (row: Buffer) => row.subarray(0, 20)],
    ['an origin that nobody has', (row: Buffer) => row.fill(0xee, 2, 6)],
    ['a seq beyond all numbers', (row: Buffer) => row.fill(0xff, 6, 14)],
  ])('%s of a cell comes as an entry with an empty digest', async (_, change) => {
    await filled();
    await withRawTables(folder(), (table) => spoil(table('entries'), isRowOf('key 3'), change));
    const storage = await open();
    try {
      const [entry, ...more] = storage.get(DEFAULT_BUCKET, 'key 3');
      expect(entry).toMatchObject({ key: 'key 3', value: null, digest: Buffer.alloc(0) });
      expect(more).toEqual([]);
      expect([...storage.cells(DEFAULT_BUCKET, {})].flat().filter((each) => !isSound(each))).toEqual([entry]);
      // It can be taken out like any other, and what is not damaged counts.
      const puts = [
        { bucket: DEFAULT_BUCKET, key: 'key 3', before: storage.get(DEFAULT_BUCKET, 'key 3'), after: [] },
      ];
      const nothing = { vectors: [], floors: [], totals: [], damages: [], members: [] };
      storage.commit({ puts, ...nothing });
      await storage.flushed();
      expect(storage.get(DEFAULT_BUCKET, 'key 3')).toEqual([]);
    } finally {
      await storage.close();
    }
  });

  test('a row of the dot index that makes no sense is passed over, and so is one of the range sums', async () => {
    await filled();
    const read = async (): Promise<[number[], number[]]> => {
      const storage = await open();
      const dots = storage.dots(DEFAULT_BUCKET, ORIGIN, 1, 99_999, 'rising');
      const ranges = storage.ranges(DEFAULT_BUCKET, ORIGIN, 1, 0, 99_999);
      const found: [number[], number[]] = [
        Array.from(dots, ({ seq }) => seq),
        Array.from(ranges, ({ index }) => index),
      ];
      await storage.close();
      return found;
    };
    const [[seq = 0, ...seqs], [index = 0, ...indexes]] = await read();
    await withRawTables(folder(), async (table) => {
      // The bucket is the first, the origin the second that was written down.
      const start = Buffer.of(0, 0, 0, 0, 0, 1);
      const uint64 = Buffer.alloc(8);
      uint64.writeBigUInt64BE(BigInt(seq));
      const dot = Buffer.concat([start, uint64]);
      await spoil(
        table('dots'),
        (key) => key.equals(dot),
        () => Buffer.alloc(3),
      );
      uint64.writeBigUInt64BE(BigInt(index));
      const block = Buffer.concat([start, Buffer.of(1), uint64]);
      await spoil(
        table('ranges'),
        (key) => key.equals(block),
        () => Buffer.alloc(5),
      );
    });
    expect(await read()).toEqual([seqs, indexes]);
  });
});
