import { execFileSync } from 'node:child_process';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { writeNote } from '../../../src/storage/disk/note.js';
import { ENGINE_NAMES, engineNamed } from '../../../src/storage/engines.js';
import { openStore } from '../../../src/storage/open-store.js';
import type { Storage } from '../../../src/storage/storage.js';
import { StoreChild } from './child.js';
import { temporaryFolder } from './folder.js';

const folder = temporaryFolder();
const home = (): string => join(folder(), 'home');
const elsewhere = (): string => join(folder(), 'elsewhere');
const note = (): string => join(home(), 'store.json');

interface Run {
  readonly provenance: string;
  readonly peerId: string;
  readonly origin: string;
}

function expectUnclean(after: Run, before: Run): void {
  expect(after).toMatchObject({ provenance: 'unclean', peerId: before.peerId });
  expect(after.origin).not.toBe(before.origin);
}

function expectOther(provenance: 'new' | 'copied', after: Run, before: Run): void {
  expect(after.provenance).toBe(provenance);
  expect(after.peerId).not.toBe(before.peerId);
  expect(after.origin).not.toBe(before.origin);
}

describe.each(ENGINE_NAMES)('under which ids a store of %s goes on', (engine) => {
  const open = (directory = home()): Promise<Storage> => openStore(engine, { directory, newId: nanoid });
  const files = async (directory = home()): Promise<string[]> => (await engineNamed(engine)).files(directory);

  /** Opens, notes who the store is, closes in order. */
  async function run(directory = home()): Promise<Run> {
    const storage = await open(directory);
    const { peerId, origin } = storage.initial;
    await storage.close();
    return { provenance: storage.provenance, peerId, origin };
  }

  test('closed in order and left alone: the same', async () => {
    const first = await run();
    expect(first.provenance).toBe('new');
    expect(await run()).toEqual({ ...first, provenance: 'untouched' });
    expect(await run()).toEqual({ ...first, provenance: 'untouched' });
  });

  test('moved as a whole: the same', async () => {
    const first = await run();
    execFileSync('mv', [home(), elsewhere()]);
    expect(await run(elsewhere())).toEqual({ ...first, provenance: 'untouched' });
  });

  test('crashed: a new origin; and then it can be closed in order again', async () => {
    const child = new StoreChild('hold', home(), { engine });
    const first = (await child.opened()) as Run;
    await child.kill();
    const second = await run();
    expectUnclean(second, first);
    expect(await run()).toEqual({ ...second, provenance: 'untouched' });
  });

  test('crashed, and the note says closed: the mark in the data file has the last word', async () => {
    const child = new StoreChild('hold', home(), { engine });
    const first = (await child.opened()) as Run;
    await child.kill();
    await writeNote(home(), await files(), 'closed');
    expectUnclean(await run(), first);
  });

  test('copied: the copy is another peer, the original the same', async () => {
    const first = await run();
    await cp(home(), elsewhere(), { recursive: true, preserveTimestamps: true });
    expectOther('copied', await run(elsewhere()), first);
    expect(await run()).toEqual({ ...first, provenance: 'untouched' });
  });

  test('copied while open: another peer too', async () => {
    const storage = await open();
    await cp(home(), elsewhere(), { recursive: true });
    await storage.close();
    expectOther('copied', await run(elsewhere()), { provenance: storage.provenance, ...storage.initial });
  });

  test('copied after a crash: another peer too', async () => {
    const child = new StoreChild('hold', home(), { engine });
    const first = (await child.opened()) as Run;
    await child.kill();
    await cp(home(), elsewhere(), { recursive: true });
    expectOther('copied', await run(elsewhere()), first);
  });

  test('an older copy put back over the files, note included, times preserved: a new origin', async () => {
    const first = await run();
    execFileSync('cp', ['-pr', home(), elsewhere()]);
    expect((await run()).provenance).toBe('untouched');
    for (const name of [...(await files(elsewhere())), 'store.json'])
      execFileSync('cp', ['-p', join(elsewhere(), name), join(home(), name)]);
    expectUnclean(await run(), first);
  });

  test('wiped: a new peer', async () => {
    const first = await run();
    await rm(home(), { recursive: true });
    expectOther('new', await run(), first);
  });

  test('only the note is left: a new peer', async () => {
    const first = await run();
    for (const name of await files()) await rm(join(home(), name));
    expectOther('new', await run(), first);
  });

  test.each([
    ['missing', (): Promise<void> => rm(note())],
    ['not JSON', (): Promise<void> => writeFile(note(), '{"state":"clo')],
    ['not a note', (): Promise<void> => writeFile(note(), '{"state":"closed","ino":7}')],
  ])('the note is %s: a new origin', async (_, spoil) => {
    const first = await run();
    await spoil();
    expectUnclean(await run(), first);
  });

  test('another device number alone is a remount, no copy', async () => {
    const first = await run();
    const text = await readFile(note(), 'utf8');
    await writeFile(note(), JSON.stringify({ ...(JSON.parse(text) as object), dev: '4711' }));
    expect(await run()).toEqual({ ...first, provenance: 'untouched' });
  });

  test('a new origin is on the disk before the store can be used', async () => {
    const child = new StoreChild('hold', home(), { engine });
    await child.opened();
    await child.kill();
    const second = new StoreChild('hold', home(), { engine });
    const { origin } = await second.opened();
    await second.kill();
    const third = await open();
    expect(third.initial.origin).not.toBe(origin);
    await third.close();
  });
});
