import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, type CliResult, Cluster } from '../tools/peer-process.js';

let cluster: Cluster;
beforeAll(() => {
  cluster = new Cluster();
});
afterAll(() => cluster.stop());

/** Starts a peer from a file with that text; it must end by itself. */
function startFrom(text: string | Uint8Array): Promise<CliResult> {
  const path = join(cluster.folder, 'wrong.json');
  writeFileSync(path, text);
  return cli([path, 'start']);
}

/** Each field wrong: where, the value found there, and what is said about it. */
const WRONG: readonly [path: string, value: unknown, said: string][] = [
  ['$schema', 1, 'found 1, expected text'],
  ['name', 'a b', 'found "a b", expected 1 to 64 characters without white space'],
  ['port', '3001', 'found "3001", expected a whole number from 0 to 65,535'],
  ['host', 'http://localhost', 'found "http://localhost", expected a host name or an IP address'],
  ['advertise', 'ftp://x:1', 'the scheme ftp://, which peers do not speak'],
  ['peers[1]', true, 'found true, expected a URL, "host:port" or the port'],
  ['allowedHosts[1]', 'a b', 'found "a b", expected a host name'],
  ['allowedOrigins[1]', 'app.example', 'found "app.example", expected an origin'],
  ['insecure', 'yes', 'found "yes", expected true or false'],
  ['dataDir', '', 'found "", expected a path'],
  ['storage', 'sqlite', 'found "sqlite", expected one of "lmdb", "level", "memory"'],
  ['durability', 'disk', 'found "disk", expected one of "flushed", "committed", "memory"'],
  ['cluster', '', 'found "", expected 1 to 64 characters'],
  ['buckets.stock.policy', 'last', 'found "last", expected one of "lww", "fww"'],
  ['buckets.stock.polcy', 'lww', 'unknown field; did you mean policy?'],
  ['gossip.discovery', 1, 'found 1, expected true or false'],
  ['gossip.antiEntropyMs[1]', 'x', 'found "x", expected a whole number from 10'],
  ['gossip.maxClockDriftMs', 0, 'found 0, expected a whole number from 1'],
  ['gossip.pingMs', 1, 'found 1, expected a whole number from 10'],
  ['gossip.pingTimeoutMs', '1', 'found "1", expected a whole number from 10'],
  ['gossip.dialBackoffMs[1]', 'x', 'found "x", expected a whole number from 1'],
  ['gossip.dialTimeoutMs', 1e12, 'found 1000000000000, expected a whole number'],
  ['gossip.discover', true, 'unknown field; did you mean discovery?'],
  ['limits.keyBytes', 2000, 'found 2000, expected a whole number from 1 to 1,024'],
  ['limits.valueBytes', 9e6, 'found 9000000, expected a whole number'],
  ['limits.valueDepth', 0, 'found 0, expected a whole number'],
  ['limits.links', null, 'found null, expected a whole number'],
  ['limits.clients', '1', 'found "1", expected a whole number'],
  ['limits.watchesPerClient', 1.5, 'found 1.5, expected a whole number'],
  ['limits.addresses', 5000, 'found 5000, expected a whole number'],
  ['limits.pendingWrites', -5, 'found -5, expected a whole number'],
  ['limits.deltaChunkBytes', 1, 'found 1, expected a whole number from 1,024'],
  ['log.level', 'loud', 'found "loud", expected one of "silent"'],
  ['log.format', 'xml', 'found "xml", expected one of "pretty", "json"'],
  ['gosip', {}, 'unknown field; did you mean gossip?'],
  ['colour', 'red', 'unknown field; known are'],
];

/** A config with a value at such a path; lists are filled with something good before it. */
function withValue(config: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.');
  const index = /^(.*)\[1\]$/.exec(name)?.[1];
  if (index !== undefined) config[index] = [GOOD[index], value];
  else if (rest.length === 0) config[name] = value;
  else config[name] = withValue((config[name] ?? {}) as Record<string, unknown>, rest.join('.'), value);
  return config;
}

const GOOD: Record<string, unknown> = {
  peers: 3001,
  allowedHosts: 'shop.example',
  allowedOrigins: 'https://shop.example',
  antiEntropyMs: 1000,
  dialBackoffMs: 5,
};

describe('a config with every field wrong', () => {
  let result: CliResult;
  beforeAll(async () => {
    const config = WRONG.reduce<Record<string, unknown>>(
      (all, [path, value]) => withValue(all, path, value),
      {},
    );
    result = await startFrom(JSON.stringify(config));
  });

  test('ends with exit code 2 and one report of all', () => {
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr.split('\n')[0]).toMatch(
      new RegExp(`wrong\\.json: ${WRONG.length} problems \\(CONFIG_INVALID\\)`),
    );
  });

  test.each(WRONG)('%s: %j', (path, _value, said) => {
    const line = result.stderr.split('\n').find((text) => text.startsWith(`  ${path}: `));
    expect(line).toContain(said);
  });
});

describe('one wrong field alone stands in one line', () => {
  const alone = WRONG.filter(([path]) =>
    ['port', 'peers[1]', 'gossip.antiEntropyMs[1]', 'gosip'].includes(path),
  );
  test.each(alone)('%s: %j', async (path, value, said) => {
    const { code, stdout, stderr } = await startFrom(JSON.stringify(withValue({ port: 0 }, path, value)));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^rumeur: [^\n]+\n$/);
    expect(stderr).toContain(`wrong.json: ${path}: `);
    expect(stderr).toContain(said);
  });
});

describe('a config that cannot be read', () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ['is empty', '', /line 1, column 1/],
    ['has a comma too many', '{\n  "port": 1,\n}', /line 3, column 1.*plain JSON/],
    ['is a list', '[]', /found \[\], expected an object/],
    ['is null', 'null', /found null, expected an object/],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
    ['is binary', Buffer.alloc(1000), /line 1, column 1/],
    ['is nested without end', '['.repeat(100_000), /wrong\.json/],
    ['is of the size of data', ' '.repeat(1_048_577), /too large for a config/],
    ['has no port', '{}', /port: missing, expected a whole number/],
  ])('%s', async (_what, text, said) => {
    const { code, stdout, stderr } = await startFrom(text);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(said);
    expect(stderr).toContain('CONFIG_INVALID');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('does not exist, or is a folder', async () => {
    mkdirSync(join(cluster.folder, 'folder.json'));
    for (const name of ['nowhere.json', 'folder.json']) {
      const { code, stderr } = await cli([join(cluster.folder, name), 'start']);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/CONFIG_INVALID/)]);
      expect(stderr).toContain(name);
    }
  });

  test('may not be read', async () => {
    const path = join(cluster.folder, 'secret.json');
    writeFileSync(path, '{"port":0}');
    chmodSync(path, 0);
    // The superuser may read everything: for him there is nothing to see here.
    if (process.getuid?.() === 0) return;
    expect(await cli([path, 'start'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no permission/),
    });
  });
});

describe('a port that is taken', () => {
  test('is named, by a peer and by any other program, and the data directory is free again', async () => {
    const holder = await cluster.start('holder', { port: 0 });
    await holder.set('k', 'whole');
    const port = Number(new URL(holder.url).port);
    const second = cluster.configure('second', { port });
    for (let attempt = 0; attempt < 2; attempt++) {
      const { code, stdout, stderr } = await second.cli('start');
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toContain('IN_USE');
      expect(stderr).toContain(String(port));
    }
    expect(await holder.get('k')).toBe('whole');
    await holder.kill('SIGTERM');
    await second.start();
    expect(await second.get('k')).toBeNull();
  });

  test('a data directory in use is named too', async () => {
    const owner = await cluster.start('owner', { port: 0 });
    const { code, stderr } = await owner.cli('start');
    expect(code).toBe(4);
    expect(stderr).toContain('IN_USE');
    expect(stderr).toContain(owner.dataDir);
    await owner.set('k', 1);
  });
});
