import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findConfig, PACKAGE_ROOT, targetOfConfig, targetOfUrl, urlOf } from '../../../cli/target.js';

let folder: string;
let root: string;

beforeEach(async () => {
  const top = await mkdtemp(join(tmpdir(), 'rumeur-target-'));
  folder = join(top, 'here');
  root = join(top, 'package');
  await mkdir(join(folder, 'configs'), { recursive: true });
  await mkdir(join(root, 'configs'), { recursive: true });
});

afterEach(() => rm(join(folder, '..'), { recursive: true }));

async function config(path: string, content: unknown = { port: 3001 }): Promise<string> {
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('findConfig', () => {
  test('a path, with or without .json', async () => {
    const path = await config(join(folder, 'a.json'));
    for (const name of ['a', 'a.json', './a', path]) expect(findConfig(name, folder, root)).toBe(path);
  });

  test('configs/ here comes before configs/ beside cli.js', async () => {
    const beside = await config(join(root, 'configs', 'a.json'));
    expect(findConfig('a', folder, root)).toBe(beside);
    const here = await config(join(folder, 'configs', 'a.json'));
    expect(findConfig('a.json', folder, root)).toBe(here);
    await mkdir(join(folder, 'a'));
    expect(findConfig('a', folder, root)).toBe(here);
  });

  test('says where it looked', () => {
    expect(() => findConfig('b', folder, root)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `no config "b"; looked for b, b.json, configs/b, configs/b.json, ${join(root, 'configs', 'b')}, ${join(root, 'configs', 'b.json')}`,
      }),
    );
    expect(() => findConfig('./b.json', folder, root)).toThrow(/looked for b\.json$/);
    expect(() => findConfig('.', folder, root)).toThrow(/^no config "\."; looked for \.$/);
  });

  test('the package is where cli.js is', () => {
    expect(findConfig('config1.json', folder, PACKAGE_ROOT)).toBe(
      join(process.cwd(), 'configs', 'config1.json'),
    );
  });
});

describe('the peer of a config', () => {
  const targetOf = async (content: unknown) => targetOfConfig(await config(join(folder, 'c.json'), content));

  test.each([
    [{ port: 3001 }, 'http://127.0.0.1:3001'],
    [{ port: 3001, host: 'localhost' }, 'http://localhost:3001'],
    [{ port: 3001, host: '::1' }, 'http://[::1]:3001'],
    ['\uFEFF{"port":5}', 'http://127.0.0.1:5'],
  ])('%j is at %s', async (content, url) => {
    expect(await targetOf(content)).toMatchObject({ url });
  });

  test('what listens everywhere is reached over loopback', () => {
    expect(urlOf('0.0.0.0', 1)).toBe('http://127.0.0.1:1');
    expect(urlOf('::', 1)).toBe('http://[::1]:1');
  });

  test('its limits are known', async () => {
    expect((await targetOf({ port: 1, limits: { valueBytes: 10 } })).limits).toMatchObject({
      keyBytes: 1024,
      valueBytes: 10,
      valueDepth: 256,
    });
  });

  test.each([
    [{ port: 0 }, /with port 0 the system chose one/],
    [{ port: '1' }, /port: found "1"/],
    [{ prot: 1 }, /did you mean port\?/],
    ['{', /line 1, column 2/],
    ['[]', /expected an object/],
    [{ port: 1, limits: { keyBytes: 'x' } }, /limits\.keyBytes/],
  ])('%j is refused', async (content, message) => {
    await expect(targetOf(content)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

test('a peer by its URL, host:port or port', async () => {
  expect(await targetOfUrl('3001')).toMatchObject({ url: 'http://127.0.0.1:3001' });
  expect(await targetOfUrl('shop:3001')).toMatchObject({ url: 'http://shop:3001' });
  await expect(targetOfUrl('shop')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
});
