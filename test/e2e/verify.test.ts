import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { utf8 } from '../../src/base/bytes.js';
import { DEFAULT_BUCKET, type OriginId } from '../../src/base/ids.js';
import { stampAt } from '../../src/data/stamp.js';
import { type BucketComparison, Peer } from '../../src/index.js';
import { packOps } from '../../src/protocol/codec.js';
import type { Push } from '../../src/protocol/messages.js';
import { eventually } from '../tools/eventually.js';
import { cli, Cluster, type PeerProcess } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';
import { RawPeer } from '../tools/raw-peer.js';
import { spoil, withRawTables } from '../unit/storage/raw-file.js';

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.stop());

interface Verified {
  readonly equal: boolean;
  readonly comparisons: readonly BucketComparison[];
}

const verified = async (peer: PeerProcess, ...args: string[]): Promise<Verified> =>
  JSON.parse((await peer.cli('verify', '--json', ...args)).stdout) as Verified;

/** A write as a push. */
function pushOf(origin: OriginId, seq: number, key: string, value: string): Push {
  const op = { origin, seq, stamp: stampAt(Date.now()), key, value: utf8(JSON.stringify(value)) };
  return { type: 'push', hops: 1, bucket: DEFAULT_BUCKET, origin, lo: seq, hi: seq, body: packOps([op]) };
}

describe('verify between peers', () => {
  const gossip = { antiEntropyMs: [4000, 4000] } as const;

  async function two(config: object = {}): Promise<[PeerProcess, PeerProcess]> {
    const [first = 0, second = 0] = await freePorts(2);
    const a = await cluster.start('a', { port: first, gossip, ...config });
    const b = await cluster.start('b', { port: second, peers: [first], gossip, ...config });
    await b.connected(1);
    return [a, b];
  }

  test('equal ones: exit code 0, in a table or as JSON', async () => {
    const [a, b] = await two({ buckets: { tags: { policy: 'set' } } });
    await a.set('Ville', 'Lyon');
    await cluster.converged();
    expect((await b.cli('wait', '--synced')).code).toBe(0);
    const { code, stdout, stderr } = await b.cli('verify');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^peer +bucket +result +we lack +it lacks +differences +round trips +bytes\n/);
    expect(stdout).toMatch(new RegExp(`^${a.url} +default +equal +0 +0 +0 +1 +\\d+$`, 'm'));
    expect(stdout).toMatch(/ tags +equal +0 /);
    expect(stdout).toMatch(/\n\nnothing differs\n$/);
    const { equal, comparisons } = await verified(a, b.id, '--bucket', 'tags');
    expect(equal).toBe(true);
    expect(comparisons).toMatchObject([
      { peer: b.id, url: b.url, name: 'b', bucket: 'tags', result: 'equal' },
    ]);
    expect(await a.value('verify', { peer: b.url, bucket: 'tags' })).toMatchObject([{ result: 'equal' }]);
    expect(await a.cli('verify', 'localhost:9')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('(NOT_FOUND)'),
    });
  });

  test('one dot with two contents: the key is named, and repaired a moment later by itself', async () => {
    const [a, b] = await two();
    const raw = { a: await RawPeer.join(a.url), b: await RawPeer.join(b.url) };
    const origin = nanoid<OriginId>();
    // The two may hear of each other's content first, or compare between the push and our question: then once more.
    let seq = 0;
    const named = await eventually('verify finds the difference', async () => {
      const key = `key ${++seq}`;
      raw.a.send(pushOf(origin, seq, key, 'one'));
      raw.b.send(pushOf(origin, seq, key, 'another'));
      await Promise.all([a, b].map((peer) => eventually('it has arrived', () => peer.get(key))));
      const { code, stdout } = await a.cli('verify', b.url);
      return code === 4 && stdout.includes(key) && { key, stdout };
    });
    const dot = `${origin}.${seq}`;
    expect(named).toMatchObject({ stdout: expect.stringMatching(/ default +different +0 +0 +1 +/) });
    expect((named as { stdout: string }).stdout).toContain(
      `  key ${seq}  held here and there with different content (${dot})\n`,
    );
    expect((named as { stdout: string }).stdout).toMatch(/something differs\n$/);
    await cluster.converged();
    // The raw peers would not answer.
    await eventually('nothing differs', async () => (await verified(a, b.id)).equal);
    for (const link of Object.values(raw)) link.destroy();
  });

  test('a bucket under another policy is reported as refused', async () => {
    const [first = 0, second = 0] = await freePorts(2);
    const a = await cluster.start('a', { port: first, buckets: { notes: { policy: 'lww' } } });
    const b = await cluster.start('b', {
      port: second,
      peers: [first],
      buckets: { notes: { policy: 'fww' } },
    });
    await b.connected(1);
    const { code, stdout } = await a.cli('verify', '--bucket', 'notes');
    expect(code).toBe(4);
    expect(stdout).toMatch(/ notes +refused +- +- +- +0 +0$/m);
    expect(stdout).toContain('bucket notes: the other peer gives this bucket another policy');
    expect((await a.cli('verify', '--bucket', 'default')).code).toBe(0);
  });

  test('without anybody to compare with', async () => {
    const alone = await cluster.start('alone', { port: (await freePorts(1))[0] ?? 0 });
    expect(await alone.cli('verify')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('no other peer is connected'),
    });
  });
});

test('Peer.verify', async () => {
  const own = { port: 0, storage: 'memory', log: { level: 'silent' } } as const;
  const a = await Peer.open({ ...own, name: 'a' });
  const b = await Peer.open({ ...own, name: 'b', peers: [a.url] });
  try {
    await b.set('Ville', 'Lyon');
    await eventually('the write has arrived', async () => (await a.get('Ville')) === 'Lyon');
    const [comparison, ...more] = await a.verify({ peer: b.id });
    expect(comparison).toMatchObject({
      peer: b.id,
      name: 'b',
      bucket: 'default',
      result: 'equal',
      examples: [],
    });
    expect(more).toEqual([]);
    await expect(a.verify({ bucket: 'nowhere' })).rejects.toMatchObject({ code: 'BUCKET_UNKNOWN' });
    await expect(a.verify({ peer: 'localhost:9' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // @ts-expect-error: no such option
    await expect(a.verify({ peers: [] })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
});

describe('verify --store', () => {
  const isRowOf =
    (key: string) =>
    (bytes: Buffer): boolean =>
      bytes.readUInt16BE(0) === 0 && bytes.subarray(2).toString() === key;

  test('of a damaged store names the row, and the peer gets it back from another', async () => {
    const [first = 0, second = 0] = await freePorts(2);
    const a = await cluster.start('a', { port: first });
    const b = await cluster.start('b', { port: second, peers: [first] });
    await a.set('Ville', 'Lyon');
    await a.set('Pays', 'France');
    await cluster.converged();
    expect(await b.cli('verify', '--store')).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/\(IN_USE\); stop that peer first; or compare it/),
    });
    expect(await b.kill('SIGTERM')).toBe(0);
    const sound = await b.cli('verify', '--store');
    expect(sound).toMatchObject({ code: 0, stdout: expect.stringMatching(/the store is sound\n$/) });
    await withRawTables(b.dataDir, (table) =>
      spoil(table('entries'), isRowOf('Ville'), (row) => {
        row[row.length - 2] = (row.at(-2) ?? 0) ^ 1;
        return row;
      }),
    );
    const damaged = await b.cli('verify', '--store');
    expect(damaged).toMatchObject({ code: 4, stderr: '' });
    expect(damaged.stdout).toMatch(/^bucket default: Ville \(.*: what stands there is not what was written/m);
    expect(damaged.stdout).not.toContain('Pays');
    const { stdout } = await b.cli('verify', '--store', '--json', '--bucket', 'default');
    expect(JSON.parse(stdout)).toMatchObject({
      sound: false,
      buckets: { default: { problems: [{ kind: 'entry-damaged', key: 'Ville' }] } },
    });
    await b.start();
    await eventually('the row is back', async () => (await b.cli('get', 'Ville')).stdout === 'Lyon\n');
    await cluster.converged();
    await b.kill('SIGTERM');
    expect((await b.cli('verify', '--store')).code).toBe(0);
  });

  test('is refused where there is no store to check', async () => {
    const memory = cluster.configure('memory', { port: 1, storage: 'memory' });
    const nothing = cluster.configure('nothing', { port: 1 });
    expect(await memory.cli('verify', '--store')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('in memory'),
    });
    expect(await nothing.cli('verify', '--store')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no store'),
    });
    expect(await nothing.cli('verify', 'localhost:1', '--store')).toMatchObject({ code: 2 });
    expect(await nothing.cli('verify', '--store', '--bucket', 'x')).toMatchObject({ code: 2 });
    expect(await cli(['--url', 'localhost:1', 'verify', '--store'])).toMatchObject({ code: 2 });
  });
});
