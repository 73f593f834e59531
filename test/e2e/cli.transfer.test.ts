import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cli, Cluster, type PeerProcess } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

const CLI = fileURLToPath(new URL('../../cli.js', import.meta.url));

describe('import and export', () => {
  let cluster: Cluster;
  let peer: PeerProcess;
  const run = (...args: string[]) => peer.cli(...args);
  const path = (name: string) => join(cluster.folder, name);

  beforeAll(async () => {
    cluster = new Cluster();
    const [port = 0] = await freePorts(1);
    const buckets = Object.fromEntries(
      ['trip', 'bad', 'strict', 'json', 'stdin', 'pipe', 'limits'].map((name) => [name, {}]),
    );
    peer = await cluster.start('one', { port, buckets, limits: { valueBytes: 2000 } });
  });
  afterAll(() => cluster.stop());

  test('a round trip keeps every digit, in key order, and replaces the file at once', async () => {
    const lines = [
      '{"key":"\\u0001","value":"\\ud800"}',
      '{"key":"__proto__","value":{"__proto__":1,"constructor":[]}}',
      '{"key":"a","value":1.10}',
      '{"key":"b","value":[123456789012345678901,-0,1e400]}',
      ...Array.from(
        { length: 5000 },
        (_, i) => `{"key":"k${String(i).padStart(5, '0')}","value":{"n":${i}}}`,
      ),
      '{"key":"\uff5e","value":"é\u2028"}',
      '{"key":"\u{1f393}","value":null}',
    ];
    await writeFile(path('in.ndjson'), lines.toReversed().join('\r\n'));
    await writeFile(path('out.ndjson'), 'what stood here before');
    const imported = await run('import', path('in.ndjson'), '--bucket', 'trip', '--json');
    expect(imported).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^5,006 keys written in \d+ s\n$/),
    });
    expect(JSON.parse(imported.stdout)).toMatchObject({ written: 5006, bad: 0 });

    const exported = await run('export', path('out.ndjson'), '--bucket', 'trip');
    expect(exported).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^5,006 keys exported/),
    });
    expect(await readFile(path('out.ndjson'), 'utf8')).toBe(`${lines.join('\n')}\n`);
    expect((await run('export', '-', '--bucket', 'trip')).stdout).toBe(`${lines.join('\n')}\n`);
    expect((await readdir(cluster.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  const BAD = [
    '{"key":"one","value":1}',
    'not json',
    '',
    '{"key":"","value":1}',
    `{"key":"${'k'.repeat(1025)}","value":1}`,
    '{"key":"two","value":2,"value":3}',
    `{"key":"large","value":"${'x'.repeat(2000)}"}`,
    '{"key":"three","value":3}',
  ].join('\n');

  test('bad lines are reported with their numbers, the rest goes on, exit 4', async () => {
    await writeFile(path('bad.ndjson'), BAD);
    const { code, stdout, stderr } = await run('import', path('bad.ndjson'), '--bucket', 'bad');
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr.match(/^line \d+/gm)).toEqual(['line 2', 'line 4', 'line 5', 'line 6', 'line 7']);
    expect(stderr).toMatch(/2 keys written in 1 s, 5 bad lines left out\n$/);
    expect((await run('keys', '--bucket', 'bad')).stdout).toBe('one\nthree\n');
  });

  test('what only the peer knows to be too large is found too', async () => {
    await writeFile(path('limits.ndjson'), BAD);
    // By its URL the command does not know the limits of the config.
    const { code, stderr } = await cli([
      '--url',
      peer.url,
      'import',
      path('limits.ndjson'),
      '--bucket',
      'limits',
    ]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^line 7: .*VALUE_TOO_LARGE/m);
    expect((await run('keys', '--bucket', 'limits')).stdout).toBe('one\nthree\n');
  });

  test('--strict writes nothing when a line is bad, also from stdin', async () => {
    await writeFile(path('strict.ndjson'), BAD);
    const fromFile = await run('import', path('strict.ndjson'), '--strict', '--bucket', 'strict');
    const fromStdin = await cli([peer.config, 'import', '-', '--strict', '--bucket', 'strict'], {
      input: BAD,
    });
    for (const { code, stderr } of [fromFile, fromStdin]) {
      expect(code).toBe(4);
      expect(stderr).toMatch(/^nothing was written: 5 bad lines$/m);
    }
    expect((await run('keys', '--bucket', 'strict')).stdout).toBe('');
    const good = '{"key":"a","value":1}\n';
    expect(
      await cli([peer.config, 'import', '-', '--strict', '--bucket', 'strict'], { input: good }),
    ).toMatchObject({ code: 0 });
    expect((await run('keys', '--bucket', 'strict')).stdout).toBe('a\n');
  });

  test('JSON: one object of key to value', async () => {
    await writeFile(path('in.json'), '{ "b": 1.10, "1": [1, 2], "a": {"x": null} }');
    expect(await run('import', path('in.json'), '--bucket', 'json')).toMatchObject({ code: 0 });
    expect(await run('export', path('out.json'), '--bucket', 'json')).toMatchObject({ code: 0 });
    expect(await readFile(path('out.json'), 'utf8')).toBe('{\n"1":[1,2],\n"a":{"x":null},\n"b":1.10\n}\n');
    await writeFile(path('none.json'), '[1]');
    expect(await run('import', path('none.json'), '--bucket', 'json')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no JSON object of key to value'),
    });
    expect((await run('export', '-', '--format', 'json', '--bucket', 'pipe')).stdout).toBe('{}\n');
  });

  test('stdin, and a reader of the output that has enough', async () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, i) => `{"key":"k${i}","value":"${'x'.repeat(100)}"}`,
    ).join('\n');
    const imported = await cli([peer.config, 'import', '-', '--bucket', 'stdin'], { input: lines });
    expect(imported).toMatchObject({ code: 0, stdout: '' });
    const child = spawn(process.execPath, [CLI, peer.config, 'export', '-', '--bucket', 'stdin'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect([await once(child, 'close'), stderr]).toEqual([[0, null], '']);
  });

  test('an export that cannot be written says so and leaves nothing', async () => {
    expect(await run('export', join(cluster.folder, 'none', 'x.ndjson'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such file or folder'),
    });
  });
});
