import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cli, Cluster, type PeerProcess } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

describe('commands in buckets of each policy', () => {
  let cluster: Cluster;
  let peer: PeerProcess;
  const ok = { code: 0, stdout: 'OK\n', stderr: '' };
  const prints = (stdout: string) => ({ code: 0, stdout, stderr: '' });
  const refused = (code: string) => ({
    code: 4,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^rumeur: [^\n]*\\(${code}\\); [^\n]+\n$`)),
  });
  const run = (...args: string[]) => peer.cli(...args);

  beforeAll(async () => {
    cluster = new Cluster();
    const [port = 0] = await freePorts(1);
    peer = await cluster.start('one', {
      port,
      buckets: {
        orders: { policy: 'fww' },
        carts: { policy: 'siblings' },
        visits: { policy: 'counter' },
        tags: { policy: 'set' },
      },
      limits: { siblings: 2 },
      // So that what was deleted here is remembered while the tests run.
      gossip: { announceMs: 60_000 },
    });
  });
  afterAll(() => cluster.stop());

  test('buckets', async () => {
    const { stdout } = await run('buckets');
    expect(stdout).toMatch(/^bucket +policy +keys\ndefault +lww +0\n/);
    expect(stdout).toMatch(/^tags +set +0$/m);
    expect(JSON.parse((await run('buckets', '--json')).stdout)).toMatchObject({
      default: { policy: 'lww', keys: 0 },
      visits: { policy: 'counter', keys: 0 },
    });
  });

  test('the first write stands', async () => {
    const orders = ['--bucket', 'orders'];
    expect(await run('set', 'n', '1', ...orders)).toEqual(ok);
    expect(await run('set', 'n', '2', ...orders)).toMatchObject(refused('EXISTS'));
    expect(await run('delete', 'n', ...orders)).toMatchObject(refused('POLICY'));
    expect(await run('get', 'n', ...orders)).toEqual(prints('1\n'));
  });

  test('siblings and the context that replaces them', async () => {
    const carts = ['--bucket', 'carts'];
    const siblings = async (): Promise<{ values: unknown[]; context: string }> =>
      JSON.parse((await run('get', 'c', '--siblings', '--json', ...carts)).stdout) as {
        values: unknown[];
        context: string;
      };
    expect(await run('get', 'c', '--siblings', ...carts)).toMatchObject({ code: 1, stdout: '' });
    await run('set', 'c', 'milk', ...carts);
    const { context } = await siblings();
    expect(await run('set', 'c', '1.10', '--json-value', '--context', context, ...carts)).toEqual(ok);
    expect(await run('set', 'c', 'eggs', '--context', context, ...carts)).toEqual(ok);
    expect(await run('set', 'c', 'ham', '--context', context, ...carts)).toMatchObject(refused('OVERLOADED'));
    const shown = await run('get', 'c', '--siblings', ...carts);
    expect(shown.stdout).toMatch(/^1\.10\n"eggs"\ncontext [\w-]+\n$/);
    const both = await siblings();
    expect(both.values).toEqual([1.1, 'eggs']);
    expect(await run('delete', 'c', '--context', both.context, ...carts)).toEqual(ok);
    expect((await run('get', 'c', ...carts)).code).toBe(1);
    expect(await run('set', 'c', '1', '--context', 'nonsense', ...carts)).toMatchObject({ code: 2 });
    expect(await run('set', 'c', '1', '--context', both.context)).toMatchObject(refused('POLICY'));
    expect(await run('get', 'c', '--siblings')).toMatchObject(refused('POLICY'));
  });

  test('incr and decr', async () => {
    const visits = ['--bucket', 'visits'];
    expect(await run('incr', 'page', ...visits)).toEqual(prints('1\n'));
    expect(await run('incr', 'page', '41', ...visits)).toEqual(prints('42\n'));
    expect(await run('decr', 'page', '50', ...visits)).toEqual(prints('-8\n'));
    expect(await run('incr', 'page', '-2', ...visits)).toEqual(prints('-10\n'));
    expect(JSON.parse((await run('decr', 'page', '--json', ...visits)).stdout)).toEqual({
      value: -11,
      dot: expect.any(String),
      stamp: expect.any(String),
    });
    expect(await run('get', 'page', ...visits)).toEqual(prints('-11\n'));
    for (const by of ['1.5', 'x', '9007199254740992']) {
      expect(await run('incr', 'page', by, ...visits)).toMatchObject({ code: 2, stdout: '' });
    }
    expect(await run('incr', 'page')).toMatchObject(refused('POLICY'));
    expect((await run('incr', 'page')).stderr).toContain('name a bucket with the policy "counter": visits');
    expect(await run('set', 'page', '1', ...visits)).toMatchObject(refused('POLICY'));
  });

  test('sadd, srem, smembers', async () => {
    const tags = ['--bucket', 'tags'];
    expect(await run('smembers', 'a', ...tags)).toEqual(prints(''));
    expect(await run('smembers', 'a', '--json', ...tags)).toEqual(prints('[]\n'));
    expect(await run('sadd', 'a', 'y', 'x', 'line\nbreak', 'y', ...tags)).toEqual(prints('3\n'));
    expect(await run('smembers', 'a', ...tags)).toEqual(prints('"line\\nbreak"\nx\ny\n'));
    expect(JSON.parse((await run('smembers', 'a', '--json', ...tags)).stdout)).toEqual([
      'line\nbreak',
      'x',
      'y',
    ]);
    expect(await run('srem', 'a', 'x', 'none', '--json', ...tags)).toEqual(prints('{"removed":1}\n'));
    expect(await run('get', 'a', ...tags)).toEqual(prints('["line\\nbreak","y"]\n'));
    expect(await run('keys', ...tags)).toEqual(prints('a\n'));
    expect(await run('delete', 'a', ...tags)).toEqual(ok);
    expect(await run('keys', ...tags)).toEqual(prints(''));
    expect(await run('sadd', 'a', 'x')).toMatchObject(refused('POLICY'));
    expect(await run('smembers', 'a')).toMatchObject(refused('POLICY'));
    expect(await run('sadd', 'a', ...tags)).toMatchObject({ code: 2 });
  });

  test('export shows what keys hold, in every bucket', async () => {
    await run('incr', 'n', '7', '--bucket', 'visits');
    await run('sadd', 's', 'x', '--bucket', 'tags');
    expect((await run('export', '-', '--bucket', 'visits')).stdout).toContain('{"key":"n","value":7}\n');
    expect((await run('export', '-', '--bucket', 'tags')).stdout).toBe('{"key":"s","value":["x"]}\n');
  });

  test('lists go on where a page of removed members has no rows', async () => {
    const tags = ['--bucket', 'tags'];
    for (let i = 0; i < 5; i++) {
      const members = Array.from({ length: 1000 }, (_, k) => `${i}/${k}`);
      await peer.value('sadd', 'many', members, { bucket: 'tags' });
    }
    await peer.value('delete', 'many', { bucket: 'tags' });
    await run('sadd', 'many', 'z', ...tags);
    expect(await peer.value('smembers', 'many', { bucket: 'tags' })).toEqual([]);
    expect(await run('smembers', 'many', ...tags)).toEqual(prints('z\n'));
    expect(await run('keys', 'many', '--json', ...tags)).toEqual(prints('["many"]\n'));
    expect((await run('export', '-', ...tags)).stdout).toContain('{"key":"many","value":["z"]}\n');
  });

  test('explain', async () => {
    await run('set', 'Ville', 'Lyon');
    await run('set', 'Ville', 'Paris');
    const { stdout } = await run('explain', 'Ville');
    expect(stdout).toMatch(/^Ville {2}\(bucket default, policy lww\)\n\n"Paris"\n {2}written .* by one \(/);
    expect(stdout).toMatch(/replaced since this peer was started:\n\n"Lyon"\n/);
    expect(JSON.parse((await run('explain', 'Ville', '--json')).stdout)).toMatchObject({
      writes: [{ value: 'Paris', peer: { id: peer.id, name: 'one' } }],
      replaced: [{ preview: '"Lyon"' }],
    });
    expect(await run('explain', 'never')).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('wait --synced', () => {
  let cluster: Cluster;
  beforeAll(() => {
    cluster = new Cluster();
  });
  afterAll(() => cluster.stop());

  test('waits until the peers hold the same, and says so when they do not in time', async () => {
    const [port = 0] = await freePorts(1);
    const one = await cluster.start('one', { port });
    expect(await one.cli('wait', '--synced')).toEqual({ code: 0, stdout: 'in sync\n', stderr: '' });
    for (let i = 0; i < 3; i++) {
      await one.value(
        'setMany',
        Array.from({ length: 1000 }, (_, k) => [`k${i}/${k}`, i]),
      );
    }
    const two = await cluster.start('two', { port: 0, peers: [port] });
    expect(await cli(['--url', two.url, 'wait', '--synced', '--json'])).toMatchObject({
      code: 0,
      stdout: '{"inSync":true}\n',
    });
    await two.connected(1);
    expect((await cli(['--url', two.url, 'wait', '--synced'])).code).toBe(0);
    expect(await two.value('keys', { prefix: 'k2/', limit: 10_000 })).toHaveLength(1000);
    // A linked peer that hangs has what was sent to it only perhaps.
    process.kill(two.pid ?? 0, 'SIGSTOP');
    await one.set('k', 1);
    expect(await one.cli('wait', '--synced', '--timeout', '1000')).toMatchObject({
      code: 5,
      stdout: '',
      stderr: expect.stringContaining('not in sync within 1000 ms: a connected peer does not answer'),
    });
    process.kill(two.pid ?? 0, 'SIGCONT');
    expect((await one.cli('wait', '--synced')).code).toBe(0);
    expect(await two.get('k')).toBe(1);
    await two.kill('SIGKILL');
    // Whoever knows others and is linked to none cannot tell.
    expect(await one.cli('wait', '--synced', '--timeout', '1500')).toMatchObject({
      code: 5,
      stdout: '',
      stderr: expect.stringMatching(/^rumeur: not in sync within 1500 ms: [^\n]*\(TIMEOUT\); [^\n]*\n$/),
    });
  });

  test('removePeer --evict', async () => {
    const [port = 0] = await freePorts(1);
    const one = await cluster.start('three', { port, cluster: 'evict', gossip: { announceMs: 50 } });
    const two = await cluster.start('four', { port: 0, peers: [port], cluster: 'evict' });
    await two.connected(1);
    expect(await one.cli('removePeer', two.id, '--evict', '--json')).toMatchObject({
      code: 0,
      stdout: `${JSON.stringify({ removed: two.id, evicted: true })}\n`,
    });
    expect(await one.cli('removePeer', 'no-such-peer-00000000', '--evict')).toMatchObject({ code: 1 });
  });
});
