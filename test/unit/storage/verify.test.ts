import { Buffer } from 'node:buffer';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET } from '../../../src/base/ids.js';
import { openLmdb } from '../../../src/storage/lmdb/open.js';
import { type Problem, verifyStore, type VerifyProgress } from '../../../src/storage/disk/verify.js';
import type { TableName } from '../../../src/storage/rows.js';
import type { Storage } from '../../../src/storage/storage.js';
import { StoreChild } from './child.js';
import { temporaryFolder } from './folder.js';
import { type RawTable, rowsOf, spoil, withRawTables } from './raw-file.js';
import { fill, ORIGIN, OTHER_BUCKET } from './writes.js';

const folder = temporaryFolder();
const open = (): Promise<Storage> => openLmdb({ directory: folder(), newId: nanoid });

async function filled(): Promise<void> {
  const storage = await open();
  await fill(storage);
  await storage.close();
}

/** Everything that a run under the same ids depends on. */
async function traces(): Promise<unknown> {
  const { ino, size, ctimeNs, mtimeNs } = await stat(join(folder(), 'data.mdb'), { bigint: true });
  const note = await readFile(join(folder(), 'store.json'), 'utf8');
  return { ino, size, ctimeNs, mtimeNs, note };
}

/** What is found once the row that fits has been changed or removed. */
async function problemsOf(
  name: TableName,
  fits: (key: Buffer, row: Buffer) => boolean,
  change: (row: Buffer) => Buffer | undefined = () => undefined,
): Promise<Problem[]> {
  await filled();
  await withRawTables(folder(), (table) => spoil(table(name), fits, change));
  const { buckets } = await verifyStore(folder());
  expect(buckets[OTHER_BUCKET]?.problems).toEqual([]);
  const report = buckets[DEFAULT_BUCKET];
  expect(report?.problemCount).toBe(report?.problems.length);
  return [...(report?.problems ?? [])];
}

const isCell =
  (name: string) =>
  (key: Buffer): boolean =>
    key.readUInt16BE(0) === 0 && key.subarray(2).toString() === name;
const isDotOf =
  (name: string) =>
  (key: Buffer, row: Buffer): boolean =>
    key.readUInt16BE(0) === 0 && row.subarray(8).toString() === name;
const flipLast = (row: Buffer): Buffer => {
  const changed = Buffer.from(row);
  changed[row.length - 1] = (changed[row.length - 1] ?? 0) ^ 1;
  return changed;
};

describe('verifying a store', () => {
  test('a sound one: what is in it, and no problem', async () => {
    const storage = await open();
    const model = await fill(storage);
    await storage.close();
    const progress: VerifyProgress[] = [];
    const { buckets } = await verifyStore(folder(), (each) => progress.push(each));
    const { keys, tombstones } = model.totals(DEFAULT_BUCKET);
    const entries = model.cells(DEFAULT_BUCKET, {}).flat().length;
    expect(buckets).toEqual({
      default: { keys, tombstones, entries, problems: [], problemCount: 0 },
      other: { keys: 1, tombstones: 0, entries: 1, problems: [], problemCount: 0 },
    });
    expect(progress.at(-1)).toEqual({ bucket: 'other', done: 106, total: 106 });
  });

  test('changes nothing: closed in order stays so, and the next run goes on under its ids', async () => {
    await filled();
    const before = await traces();
    await verifyStore(folder());
    await verifyStore(folder());
    expect(await traces()).toEqual(before);
    const storage = await open();
    expect(storage.provenance).toBe('untouched');
    await storage.close();
  });

  test('changes nothing after a crash either', async () => {
    const child = new StoreChild('stream', folder());
    await child.until(({ n = 0 }) => n >= 20);
    await child.kill();
    const before = await traces();
    const { buckets } = await verifyStore(folder());
    // The writer makes up its hashes.
    expect(buckets[DEFAULT_BUCKET]?.problems.map(({ kind }) => kind)).toEqual(['state-hash']);
    expect(await traces()).toEqual(before);
    const storage = await open();
    expect(storage.provenance).toBe('unclean');
    await storage.close();
  });

  test('is refused while it is open, and where there is none', async () => {
    const storage = await open();
    await expect(verifyStore(folder())).rejects.toMatchObject({ code: 'IN_USE' });
    await storage.close();
    const empty = await mkdtemp(join(folder(), 'empty-'));
    await expect(verifyStore(empty)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await readdir(empty)).toEqual([]);
    await rm(empty, { recursive: true });
    await expect(verifyStore(empty)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('a value that is not what was written', async () => {
    const problems = await problemsOf('entries', isCell('key 3'), flipLast);
    expect(problems).toMatchObject([{ kind: 'entry-damaged', key: 'key 3', dot: { origin: ORIGIN } }]);
  });

  test('a row of a cell that makes no sense', async () => {
    const kinds = await problemsOf('entries', isCell('key 3'), () => Buffer.from('?'));
    expect(kinds.map(({ kind }) => kind)).toEqual([
      'cell-unreadable',
      'dot-dangling',
      'range-sum',
      'range-sum',
      'range-sum',
      'totals',
      'state-hash',
    ]);
  });

  test('a cell that is gone', async () => {
    const problems = await problemsOf('entries', isCell('key 7'));
    expect(problems.map(({ kind, key }) => [kind, key])).toEqual([
      ['dot-dangling', 'key 7'],
      ['tombstone-dangling', 'key 7'],
      ['totals', undefined],
    ]);
  });

  test('a row of the dot index that is gone', async () => {
    expect(await problemsOf('dots', isDotOf('key 3'))).toMatchObject([{ kind: 'dot-missing', key: 'key 3' }]);
  });

  test('a row of the dot index that names another key', async () => {
    expect(await problemsOf('dots', isDotOf('key 3'), flipLast)).toMatchObject([
      { kind: 'dot-missing', key: 'key 3' },
      { kind: 'dot-dangling', key: 'key 2' },
    ]);
  });

  test('a tombstone without its row', async () => {
    expect(await problemsOf('tombstones', isDotOf('key 14'))).toMatchObject([
      { kind: 'tombstone-missing', key: 'key 14' },
    ]);
  });

  test('range sums that are wrong', async () => {
    const isCoarse = (key: Buffer): boolean => key.readUInt32BE(2) === 1 && key[1] === 0 && key[6] === 2;
    expect(await problemsOf('ranges', isCoarse, flipLast)).toEqual([
      { kind: 'range-sum', dot: { origin: ORIGIN, seq: 1 } },
    ]);
  });

  test('totals and a state hash that are wrong', async () => {
    const isTotals = (key: Buffer): boolean => key.equals(Buffer.from('t\0\0'));
    const change = (row: Buffer): Buffer =>
      Buffer.from(row.map((byte, at) => (at === 7 || at === 8 ? byte ^ 1 : byte)));
    expect((await problemsOf('state', isTotals, change)).map(({ kind }) => kind)).toEqual([
      'totals',
      'state-hash',
    ]);
  });

  test('a list of problems has an end, their count none', async () => {
    await filled();
    const storage = await open();
    const intervals: number[] = [];
    const [puts, totals, floors, damages, members] = [[], [], [], [], []];
    const origins = storage.initial.buckets.get(DEFAULT_BUCKET)?.vector ?? [];
    const vectors = origins.map(([origin]) => ({ bucket: DEFAULT_BUCKET, origin, intervals }));
    storage.commit({ puts, vectors, floors, totals, damages, members });
    await storage.close();
    await withRawTables(folder(), async (table) => {
      const dots: RawTable = table('dots');
      for (const { key } of rowsOf(dots)) if (key[1] === 0) await dots.remove(key);
    });
    const { problems = [], problemCount } = (await verifyStore(folder())).buckets[DEFAULT_BUCKET] ?? {};
    expect(problems).toHaveLength(100);
    expect(problemCount).toBe(106);
    expect(new Set(problems.map(({ kind }) => kind))).toEqual(new Set(['dot-missing', 'entry-uncovered']));
  });
});

test('a store from which everything was dropped has no row left', async () => {
  const storage = await open();
  const model = await fill(storage);
  const cells = [...model.cells(DEFAULT_BUCKET, {}), ...model.cells(OTHER_BUCKET, {})];
  const drop = (bucket: typeof DEFAULT_BUCKET) =>
    model.batch(
      model.cells(bucket, {}).map(([entry]) => ({
        bucket,
        origin: ORIGIN,
        key: entry?.key ?? '',
        value: null,
        kind: 'drop' as const,
      })),
    );
  expect(cells.length).toBeGreaterThan(50);
  storage.commit(drop(DEFAULT_BUCKET));
  storage.commit(drop(OTHER_BUCKET));
  await storage.close();
  const left = await withRawTables(folder(), (table) =>
    (['entries', 'dots', 'tombstones', 'ranges'] as const).map((name) => rowsOf(table(name)).length),
  );
  expect(left).toEqual([0, 0, 0, 0]);
});
