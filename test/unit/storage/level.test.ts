import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import {
  mkdir,
  open as openFile,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
  readlink,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ClassicLevel } from 'classic-level';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET } from '../../../src/base/ids.js';
import type { SetAside } from '../../../src/storage/disk/aside.js';
import { compactStore } from '../../../src/storage/disk/compact.js';
import { verifyStore } from '../../../src/storage/disk/verify.js';
import { crc32c } from '../../../src/storage/level/crc32c.js';
import { levelError } from '../../../src/storage/level/errors.js';
import { levelEngine } from '../../../src/storage/level/rows.js';
import { openStore } from '../../../src/storage/open-store.js';
import type { RowStore } from '../../../src/storage/rows.js';
import type { Storage } from '../../../src/storage/storage.js';
import { StoreChild } from './child.js';
import { temporaryFolder } from './folder.js';
import { Fault, faultTest, ONE_WRITER } from './strace.js';
import { fill } from './writes.js';

const folder = temporaryFolder();
const open = (): Promise<Storage> => openStore('level', { directory: folder(), newId: nanoid, probe: false });
const openRows = (): Promise<RowStore> => levelEngine.open(folder(), { readOnly: false });

/** Each file with its bytes and the time of its last change. */
async function traces(): Promise<unknown[]> {
  const names = [...(await levelEngine.files(folder())), 'store.json'];
  return Promise.all(
    names.map(async (name) => {
      const { ino, ctimeNs } = await stat(join(folder(), name), { bigint: true });
      return [name, ino, ctimeNs, (await readFile(join(folder(), name))).toString('base64')];
    }),
  );
}

const tables = async (): Promise<string[]> =>
  (await levelEngine.files(folder())).filter((name) => name.endsWith('.ldb'));

/** Directories elsewhere that lead to our tables. */
async function standIns(): Promise<string[]> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith('rumeur-level-'));
  const found = await Promise.all(names.map((name) => linksIn(join(tmpdir(), name))));
  return found.flat().filter((link) => link.startsWith(folder()));
}

/** None when it is gone: other tests make such directories too. */
const linksIn = (directory: string): Promise<string[]> =>
  readdir(directory)
    .then((names) => Promise.all(names.map((name) => readlink(join(directory, name)).catch(() => ''))))
    .catch(() => []);

describe('a store of level', () => {
  test('that is only looked at: what is in it, not a byte of it changes, and nothing is left elsewhere', async () => {
    const storage = await open();
    const model = await fill(storage);
    await storage.close();
    // Opening makes a table of what is in the log.
    await (await open()).close();
    const before = await traces();
    const { buckets } = await verifyStore(folder());
    const { keys, tombstones } = model.totals(DEFAULT_BUCKET);
    expect(buckets[DEFAULT_BUCKET]).toMatchObject({ keys, tombstones, problems: [] });
    expect(await traces()).toEqual(before);
    expect(await standIns()).toEqual([]);
  });

  test('is not taken for one of lmdb, nor the other way round', async () => {
    await (await open()).close();
    const before = await traces();
    const asLmdb = openStore('lmdb', { directory: folder(), newId: nanoid });
    await expect(asLmdb).rejects.toMatchObject({ code: 'CONFIG_INVALID', hint: /"level"/ });
    expect(await traces()).toEqual(before);
    const directory = join(folder(), 'other');
    await (await openStore('lmdb', { directory, newId: nanoid })).close();
    const asLevel = openStore('level', { directory, newId: nanoid });
    await expect(asLevel).rejects.toMatchObject({ code: 'CONFIG_INVALID', hint: /"lmdb"/ });
    expect(await readdir(directory)).not.toContain('level');
  });

  test('of something else is refused', async () => {
    const level = new ClassicLevel(join(folder(), 'level'));
    await level.put('theirs', 'value');
    await level.close();
    await expect(open()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test.each([
    ['the list of tables is missing', () => rm(join(folder(), 'level', 'CURRENT'))],
    [
      'tables were cut short',
      async () => {
        for (const name of await tables()) await truncate(join(folder(), name), 100);
      },
    ],
    ['a table is missing', async () => rm(join(folder(), (await tables())[0] ?? ''))],
  ])('of which %s is refused, or moved away where that is asked for', async (_, damage) => {
    const storage = await open();
    await fill(storage);
    await storage.close();
    // Opening makes a table of what is in the log.
    await (await open()).close();
    expect(await tables()).not.toEqual([]);
    await damage();
    const left = await tables();
    await expect(open()).rejects.toMatchObject({ code: 'DISK_FAILED' });
    expect(await tables()).toEqual(expect.arrayContaining(left));
    const asides: SetAside[] = [];
    const onAside = (aside: SetAside): void => void asides.push(aside);
    const next = await openStore('level', { directory: folder(), newId: nanoid, onAside });
    expect(next.provenance).toBe('new');
    await next.close();
    expect(asides).toHaveLength(1);
    for (const name of left) await stat(join(asides[0]?.path ?? '', name));
  });

  test('that takes the place of another: whenever the process dies, one of the two is there', async () => {
    const storage = await open();
    await fill(storage);
    await storage.close();
    const { ino } = await stat(join(folder(), 'level', 'LOCK'));
    const lasting = async (): Promise<string> => (await levelEngine.files(folder()))[0] ?? '';
    await rename(join(folder(), 'level'), join(folder(), 'level.former'));
    expect((await stat(join(folder(), await lasting()))).ino).toBe(ino);
    const again = await open();
    expect(again.provenance).toBe('untouched');
    expect(again.get(DEFAULT_BUCKET, 'key 3')).toHaveLength(1);
    await again.close();
    const compacted = await compactStore(folder());
    expect(compacted.after.fileBytes).toBeLessThanOrEqual(compacted.before.fileBytes);
    expect((await stat(join(folder(), await lasting()))).ino).not.toBe(ino);
    expect(await readdir(folder())).toEqual(['level', 'lock', 'store.json']);
    const last = await open();
    expect(last.provenance).toBe('untouched');
    expect(last.get(DEFAULT_BUCKET, 'key 3')).toHaveLength(1);
    await last.close();
  });

  test('that was begun and came to nothing begins anew', async () => {
    await mkdir(join(folder(), 'level'));
    for (const name of ['LOCK', 'MANIFEST-000001']) await writeFile(join(folder(), 'level', name), '');
    const storage = await open();
    expect(storage.provenance).toBe('new');
    await storage.close();
  });
});

describe('rows of level', () => {
  test('come in pieces, in both directions, with those too large for the way, and others asked for meanwhile', async () => {
    const rows = await openRows();
    try {
      const key = (i: number): Buffer => Buffer.from(String(i).padStart(6, '0'));
      const row = (i: number): Buffer => Buffer.alloc(i % 400 === 0 ? 300_000 : i % 900, i);
      const all = Array.from(
        { length: 3_000 },
        (_, i) => ({ table: 'entries', key: key(i), row: row(i) }) as const,
      );
      await rows.write([...all, { table: 'dots', key: key(1), row: Buffer.from('beside') }]);
      for (const reverse of [false, true]) {
        let at = reverse ? 2_989 : 10;
        for (const { key: found, value } of rows.range('entries', {
          start: key(10),
          end: key(2_990),
          reverse,
        })) {
          if (!found.equals(key(at)) || !value.equals(row(at)))
            throw new Error(`${found.toString()} at ${at}`);
          if (at % 500 === 0) expect([...rows.range('dots', { start: key(0), end: key(9) })]).toHaveLength(1);
          at += reverse ? -1 : 1;
        }
        expect(at).toBe(reverse ? 9 : 2_990);
      }
      expect([rows.count('entries'), rows.count('ranges')]).toEqual([3_000, 0]);
    } finally {
      await rows.close();
    }
  });

  test('whose directory cannot be looked at are still as large as they were', async () => {
    const rows = await openRows();
    try {
      const before = rows.sizes();
      expect(before.fileBytes).toBeGreaterThan(0);
      await rename(join(folder(), 'level'), join(folder(), 'away'));
      expect(rows.sizes()).toEqual(before);
      await rename(join(folder(), 'away'), join(folder(), 'level'));
    } finally {
      await rows.close();
    }
  });

  test('a handle that has been closed throws', async () => {
    const rows = await openRows();
    await rows.close();
    expect(() => rows.get('state', Buffer.from('a'))).toThrow('not open');
    expect(() => [...rows.range('state', { start: Buffer.from('a'), end: Buffer.from('b') })]).toThrow();
  });
});

test('a disk without room is told from one that has failed', () => {
  const error = (message: string) => ({ cause: { code: 'LEVEL_IO_ERROR', message } });
  expect(levelError(error('IO error: x.log: No space left on device'))).toMatchObject({ code: 'ENOSPC' });
  expect(levelError(error('IO error: x.log: File too large'))).toMatchObject({ code: 'EFBIG' });
  expect(levelError(error('IO error: x.log: Input/output error'))).toMatchObject({ code: 'LEVEL_IO_ERROR' });
});

describe('damage that LevelDB would pass over', () => {
  const rowOf = (i: number, size = 1_000) =>
    ({ table: 'entries', key: Buffer.from(`key ${1000 + i}`), row: randomBytes(size) }) as const;
  const state = { table: 'state', key: Buffer.from('m'), row: Buffer.from('ours') } as const;
  const all = { start: Buffer.from('key'), end: Buffer.from('l') };

  async function damagePage(suffix: string, share: number): Promise<void> {
    const [name = ''] = (await levelEngine.files(folder())).filter((file) => file.endsWith(suffix));
    const file = await openFile(join(folder(), name), 'r+');
    const { size } = await file.stat();
    await file.write(Buffer.alloc(4096), 0, 4096, Math.floor((size * share) / 4096) * 4096);
    await file.close();
  }

  test('a block of a table: a scan throws, also one that ends before all of the range is read', async () => {
    let rows = await openRows();
    await rows.write([state, ...Array.from({ length: 5_000 }, (_, i) => rowOf(i, 100))]);
    await rows.close();
    // Opening makes a table of what is in the log.
    await (await openRows()).close();
    await damagePage('.ldb', 0.08);
    rows = await openRows();
    try {
      const found = (): number => [...rows.range('entries', all)].length;
      expect(found).toThrow(/orrupt/);
      expect(() => {
        let count = 0;
        for (const { key } of rows.range('entries', all)) if (key.length > 0 && ++count === 600) break;
      }).toThrow(/orrupt/);
    } finally {
      await rows.close();
    }
  });

  test('a batch in the midst of the log: it is not opened; one at the end of it was never flushed', async () => {
    const rows = await openRows();
    for (let i = 0; i < 200; i++) await rows.write(i === 0 ? [state, rowOf(i)] : [rowOf(i)]);
    await rows.close();
    const log = (await levelEngine.files(folder())).find((name) => name.endsWith('.log')) ?? '';
    const { size } = await stat(join(folder(), log));
    await truncate(join(folder(), log), size - 500);
    const cut = await openRows();
    expect(cut.count('entries')).toBe(199);
    for (let i = 200; i < 400; i++) await cut.write([rowOf(i)]);
    await cut.close();
    await damagePage('.log', 0.5);
    await expect(openRows()).rejects.toMatchObject({ code: 'DISK_FAILED' });
  });

  test('CRC-32C is that of RFC 3720', () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  });
});

faultTest(
  'a new name that cannot be synced: no write counts as flushed, nothing is tried again',
  async () => {
    const child = new StoreChild('stream-later', folder(), { before: ONE_WRITER, engine: 'level' });
    await child.opened();
    const fault = await Fault.inject(child.pid, join(folder(), 'level'), 'fsync:error=EIO:when=1');
    try {
      await writeFile(join(folder(), 'level', 'as a new log'), '');
      child.start();
      expect(await child.end()).toBe(0);
      const said = (at: string) => child.said.filter((each) => each.at === at);
      expect(said('flushed')[0]?.code).toBe('DISK_FAILED');
      expect(said('failure')).toMatchObject([{ code: 'DISK_FAILED' }]);
      expect([said('visible'), said('read')]).toMatchObject([[], [{ code: 'DISK_FAILED' }]]);
      expect(await fault.callsAfter()).toEqual([]);
    } finally {
      await fault.dispose();
    }
  },
);
