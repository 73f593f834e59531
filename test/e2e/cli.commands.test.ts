import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { cli, Cluster, type PeerProcess } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

describe('commands on a running peer', () => {
  let cluster: Cluster;
  let peer: PeerProcess;
  const ok = { code: 0, stdout: 'OK\n', stderr: '' };
  const run = (...args: string[]) => peer.cli(...args);

  beforeAll(async () => {
    cluster = new Cluster();
    const [port = 0] = await freePorts(1);
    peer = await cluster.start('one', { port, storage: 'memory', buckets: { other: {} } });
  });
  afterAll(() => cluster.stop());

  test.each([
    ['42', '42', '42'],
    ['-5', '-5', '-5'],
    ['-1.5', '-1.5', '-1.5'],
    ['Lyon', 'Lyon', '"Lyon"'],
    ['', '', '""'],
    ['1.10', '1.10', '"1.10"'],
    ['123456789012345678901', '123456789012345678901', '"123456789012345678901"'],
    ['{"a": [1, null]}', '{"a":[1,null]}', '{"a":[1,null]}'],
    ['{"__proto__":1}', '{"__proto__":1}', '{"__proto__":1}'],
    ['{"a":1,"a":1}', '{"a":1,"a":1}', '"{\\"a\\":1,\\"a\\":1}"'],
    ['NaN', 'NaN', '"NaN"'],
    ['élève 🎓', 'élève 🎓', '"élève 🎓"'],
  ])('set %j, get %j', async (written, shown, json) => {
    expect(await run('set', 'v', written)).toEqual(ok);
    const [bare, asJson] = await Promise.all([run('get', 'v'), run('get', 'v', '--json')]);
    expect(bare).toEqual({ code: 0, stdout: `${shown}\n`, stderr: '' });
    expect(asJson.stdout).toBe(`${json}\n`);
  });

  test('--string, --json-value, --file and stdin', async () => {
    const file = join(cluster.folder, 'value');
    await writeFile(file, '{"a": 1}\n');
    expect(await run('set', 'v', '42', '--string')).toEqual(ok);
    expect((await run('get', 'v', '--json')).stdout).toBe('"42"\n');
    expect(await run('set', 'v', '[1.10, 123456789012345678901]', '--json-value')).toEqual(ok);
    expect((await run('get', 'v')).stdout).toBe('[1.10,123456789012345678901]\n');
    expect(await run('set', 'v', '--file', file)).toEqual(ok);
    expect((await run('get', 'v')).stdout).toBe('{"a":1}\n');
    expect(await cli([peer.config, 'set', 'v', '-'], { input: 'two\nlines\n' })).toEqual(ok);
    expect((await run('get', 'v')).stdout).toBe('two\nlines\n');
    expect(await run('set', 'v', 'Lyon', '--json-value')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('VALUE_INVALID'),
    });
    expect(await run('set', 'v', '--file', join(cluster.folder, 'none'))).toMatchObject({
      code: 2,
      stdout: '',
    });
  });

  test('any good key', async () => {
    for (const key of ['__proto__', 'constructor', 'a b', '🎓', '-5']) {
      expect(await run('set', key, key)).toEqual(ok);
      expect((await run('get', key)).stdout).toBe(`${key}\n`);
      expect(await run('rm', key)).toEqual(ok);
    }
    expect(await run('set', '--', '-x', '--json')).toEqual(ok);
    expect((await run('get', '--', '-x')).stdout).toBe('--json\n');
    expect(await run('del', '--', '-x')).toEqual(ok);
  });

  test('a value as large as the limit goes through, a larger one is refused', async () => {
    const limit = 1_048_576;
    expect(await cli([peer.config, 'set', 'large', '-'], { input: '"'.repeat(limit / 2 - 1) })).toEqual(ok);
    expect((await run('get', 'large')).stdout).toHaveLength(limit / 2);
    const tooLarge = { code: 4, stdout: '', stderr: expect.stringContaining('VALUE_TOO_LARGE') };
    expect(await cli([peer.config, 'set', 'large', '-'], { input: 'x'.repeat(limit) })).toMatchObject(
      tooLarge,
    );
    expect(await cli(['--url', peer.url, 'set', 'large', '-'], { input: 'x'.repeat(limit) })).toMatchObject(
      tooLarge,
    );
    expect(await run('delete', 'large')).toEqual(ok);
  });

  test('what is missing is exit 1, with the message on stderr', async () => {
    for (const command of ['get', 'delete']) {
      expect(await run(command, 'none')).toEqual({
        code: 1,
        stdout: '',
        stderr: 'rumeur: no such key: "none" (NOT_FOUND)\n',
      });
    }
    expect(await run('delete', 'none', '--json')).toMatchObject({ code: 1, stdout: '{"found":false}\n' });
  });

  test('keys: all of them, in byte order, in pages', async () => {
    const keys = Array.from({ length: 2500 }, (_, i) => `p/${String(i).padStart(5, '0')}`);
    for (const from of [0, 1000, 2000]) {
      await peer.value(
        'setMany',
        keys.slice(from, from + 1000).map((key) => [key, 1]),
      );
    }
    await peer.set('p/\u{1f393}', 1);
    await peer.set('p/\uff5e', 1);
    await peer.set('p/line\nbreak', 1);
    const expected = [...keys, 'p/line\nbreak', 'p/\uff5e', 'p/\u{1f393}'];
    const shown = expected.map((key) => (key.includes('\n') ? JSON.stringify(key) : key));
    expect((await run('keys', 'p/')).stdout).toBe(`${shown.join('\n')}\n`);
    expect(JSON.parse((await run('ls', 'p/', '--json')).stdout)).toEqual(expected);
    expect((await run('keys', 'nothing/')).stdout).toBe('');
    expect((await run('keys', 'nothing/', '--json')).stdout).toBe('[]\n');
  });

  test('buckets', async () => {
    expect(await run('set', 'k', '1', '--bucket', 'other')).toEqual(ok);
    expect((await run('get', 'k', '--bucket', 'other')).stdout).toBe('1\n');
    expect((await run('get', 'k')).code).toBe(1);
    expect((await run('keys', '--bucket', 'other')).stdout).toBe('k\n');
    const unknown = { code: 2, stdout: '', stderr: expect.stringContaining('BUCKET_UNKNOWN') };
    expect(await run('get', 'k', '--bucket', 'none')).toMatchObject(unknown);
    expect(await run('export', '-', '--bucket', 'none')).toMatchObject(unknown);
  });

  test('getPeers and status, for people and as JSON', async () => {
    const other = `127.0.0.1:${(await freePorts(1)).join()}`;
    expect(await run('addPeer', other)).toEqual(ok);
    expect((await run('getPeers')).stdout).toMatch(
      new RegExp(`^url +id +name +state +round trip\nhttp://${other} +- `),
    );
    expect(JSON.parse((await run('members', '--json')).stdout)).toMatchObject([
      { url: `http://${other}`, id: null },
    ]);
    expect(await run('removePeer', other)).toEqual(ok);
    expect(await run('removePeer', other)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('NOT_FOUND'),
    });
    expect((await run('status')).stdout).toContain(`one  ${peer.url}  ${peer.id}`);
    expect(JSON.parse((await run('status', '--json')).stdout)).toMatchObject({
      id: peer.id,
      name: 'one',
      cluster: 'rumeur',
    });
  });

  test('--json of the writing commands', async () => {
    expect(JSON.parse((await run('set', 'j', '1', '--json')).stdout)).toEqual({
      dot: expect.stringMatching(/^.+\.\d+$/),
      stamp: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(JSON.parse((await run('delete', 'j', '--json')).stdout)).toMatchObject({ found: true });
    expect(JSON.parse((await run('addPeer', '127.0.0.1:1', '--json')).stdout)).toEqual({
      url: 'http://127.0.0.1:1',
    });
    expect((await run('removePeer', '127.0.0.1:1', '--json')).code).toBe(0);
  });

  test('a peer by --url, host:port, port, or RUMEUR_URL', async () => {
    await peer.set('where', 'here');
    const { port } = new URL(peer.url);
    for (const url of [peer.url, `localhost:${port}`, port]) {
      expect((await cli(['--url', url, 'get', 'where'])).stdout).toBe('here\n');
      expect((await cli(['get', 'where'], { env: { RUMEUR_URL: url } })).stdout).toBe('here\n');
    }
  });

  test('keys that no peer takes', async () => {
    expect(await run('set', '', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('KEY_EMPTY'),
    });
    expect(await run('get', '')).toMatchObject({ code: 2, stderr: expect.stringContaining('KEY_EMPTY') });
    const long = 'é'.repeat(513);
    expect(await run('set', long, 'x')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('KEY_TOO_LONG'),
    });
    expect(await run('get', long)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('KEY_TOO_LONG'),
    });
  });
});

describe('without a peer', () => {
  let cluster: Cluster;
  beforeAll(() => {
    cluster = new Cluster();
  });
  afterAll(() => cluster.stop());

  const oneLine = (code: string, ...parts: string[]) =>
    expect.stringMatching(
      new RegExp(`^rumeur: [^\\n]*\\(${code}\\)[^\\n]*${parts.join('[^\\n]*')}[^\\n]*\\n$`),
    );

  test('exit 3 says where it was looked for and how to start one', async () => {
    const [port = 0] = await freePorts(1);
    const peer = cluster.configure('down', { port });
    expect(await peer.cli('get', 'k')).toEqual({
      code: 3,
      stdout: '',
      stderr: oneLine('PEER_UNREACHABLE', 'start it with', 'start'),
    });
    expect(await cli(['--url', String(port), 'get', 'k'])).toEqual({
      code: 3,
      stdout: '',
      stderr: oneLine('PEER_UNREACHABLE', 'is the peer running'),
    });
  });

  test('a wrong config is the better explanation', async () => {
    const [port = 0] = await freePorts(1);
    const path = join(cluster.folder, 'wrong.json');
    await writeFile(path, JSON.stringify({ port, gosip: {} }));
    expect(await cli([path, 'get', 'k'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean gossip?'),
    });
  });

  test('a server that never answers is given up after --timeout', async () => {
    const mute = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const { port } = mute.address() as AddressInfo;
    const result = await cli(['--url', String(port), '--timeout', '300', 'get', 'k']);
    mute.close();
    expect(result).toMatchObject({ code: 3, stdout: '', stderr: oneLine('PEER_UNREACHABLE') });
  });

  test.each([
    [[], 2, /^Usage: rumeur/],
    [['strat'], 2, /unknown command "strat".*did you mean start\?/],
    [['config1', 'strat'], 2, /did you mean start\?/],
    [['config1'], 2, /no command after the config/],
    [['get', 'k'], 2, /no config before the command get.*rumeur config1 get/],
    [['nowhere', 'get', 'k'], 2, /no config "nowhere"; looked for .*configs\/nowhere\.json/],
    [['config1', 'get'], 2, /missing required argument 'key'/],
    [['config1', 'get', 'a', 'b'], 2, /too many arguments/],
    [['config1', 'get', 'k', '--what'], 2, /unknown option '--what'/],
    [['config1', 'set', 'k'], 2, /no value/],
    [['config1', 'set', 'k', 'v', '--string', '--json-value'], 2, /exclude each other/],
    [['config1', 'addPeer', 'nohost'], 2, /no port/],
    [['config1', 'import', 'data.csv'], 2, /does not tell its format/],
    [['config1', 'import', 'missing.ndjson'], 2, /no such file/],
    [['config1', 'get', 'k', '--timeout', 'soon'], 2, /--timeout "soon"/],
    [['--url', 'ftp://x', 'get', 'k'], 2, /ftp/],
  ])('%j: exit %i', async (args, code, message) => {
    const result = await cli(args, { env: { RUMEUR_URL: '' } });
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
  });

  test('help and version go to stdout', async () => {
    for (const args of [['--help'], ['help'], ['help', 'put'], ['set', '--help'], ['config1', 'set', '-h']]) {
      expect(await cli(args)).toMatchObject({
        code: 0,
        stderr: '',
        stdout: expect.stringContaining('Examples:'),
      });
    }
    expect(await cli(['--version'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});
