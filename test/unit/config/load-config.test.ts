import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUCKET_POLICIES } from '../../../src/config/schema.js';
import { loadConfig } from '../../../src/runtime/load-config.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rumeur-config-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('a file', () => {
  test('gives the name and the place of the data', async () => {
    const config = await loadConfig(await file('config1.json', '{ "port": 3001 }'));
    expect(config).toMatchObject({
      name: 'config1',
      port: 3001,
      dataDir: join(folder, '.rumeur', 'config1'),
    });
  });

  test('relative paths are relative to the file, absolute ones stay', async () => {
    await mkdir(join(folder, 'configs'));
    const path = await file('configs/a.json', '{ "port": 1, "dataDir": "../data" }');
    expect((await loadConfig(path)).dataDir).toBe(join(folder, 'data'));
    expect((await loadConfig('configs/a.json', folder)).dataDir).toBe(join(folder, 'data'));
    const absolute = await file('b.json', JSON.stringify({ port: 1, dataDir: join(folder, 'x') }));
    expect((await loadConfig(absolute, '/')).dataDir).toBe(join(folder, 'x'));
  });

  test('a byte order mark is tolerated; what a name cannot hold becomes a dash', async () => {
    const path = await file('mon pair.JSON', '\uFEFF{ "port": 1 }');
    expect((await loadConfig(path)).name).toBe('mon-pair');
  });
});

describe('an object', () => {
  test('is relative to the working directory', async () => {
    expect(await loadConfig({ port: 7 }, folder)).toMatchObject({
      name: 'peer-7',
      dataDir: join(folder, '.rumeur', 'peer-7'),
    });
  });
});

describe('refuses', () => {
  const expectRefusal = (path: string, message: RegExp) =>
    expect(loadConfig(path)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });

  test('what is missing, a folder, too large or not UTF-8', async () => {
    await expectRefusal(join(folder, 'none.json'), /none\.json: no such file/);
    await expectRefusal(folder, /: a folder, not a file/);
    await expectRefusal(await file('a.json', new Uint8Array(1_048_577)), /: too large/);
    await expectRefusal(await file('b.json', Uint8Array.of(0x7b, 0xff, 0x7d)), /: not UTF-8/);
  });

  test.each([
    ['', 'line 1, column 1'],
    ['{ "port": 1,\n  }', 'line 2, column 3'],
    ['{ "port": 1\n  "host": "x" }', 'line 2, column 3'],
    ['// ports\n{ "port": 1 }', 'line 1, column 1'],
    ["{ 'port': 1 }", 'line 1, column 3'],
    ['{ "port": 1 } x', 'line 1, column 15'],
    ['{ "port": 1', 'line 1, column 12'],
    ['{ "name": "a\nb", "port": 1 }', 'line 1, column 13'],
  ])('%j at %s', async (text, place) => {
    await expectRefusal(await file('c.json', text), new RegExp(`c\\.json: ${place}: `));
  });

  test('a wrong field, naming the file', async () => {
    await expectRefusal(await file('d.json', '{ "port": "x" }'), /d\.json: port: found "x"/);
  });
});

test('every example in configs/ is a sound config, and one has a bucket of each policy', async () => {
  const names = await readdir('configs');
  expect(names).toEqual(expect.arrayContaining(['config1.json', 'policies.json']));
  const configs = await Promise.all(names.map((name) => loadConfig(join('configs', name))));
  expect(new Set(configs.map(({ port }) => port)).size).toBe(names.length);
  const { buckets = {} } = configs[names.indexOf('policies.json')] ?? {};
  expect(Object.values(buckets).map(({ policy }) => policy)).toEqual([...BUCKET_POLICIES]);
});
