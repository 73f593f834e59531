import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Peer, type ConfigInput, type PeerChange } from '../../src/index.js';
import { eventually } from '../tools/eventually.js';

const BUCKETS = {
  orders: { policy: 'fww' },
  carts: { policy: 'siblings' },
  visits: { policy: 'counter' },
  tags: { policy: 'set' },
} as const;

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Peers of one process in buckets of every policy, cut from each other and joined. */
describe('peers that write at the same time', () => {
  let folder: string;
  const open: Peer[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rumeur-policies-'));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((peer) => peer.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Peers whose name is later in the alphabet have clocks a little ahead: so it is known whose write is the later one. */
  async function start(name: string, config: Partial<ConfigInput> = {}): Promise<Peer> {
    const own = { port: 0, name, dataDir: join(folder, name), log: { level: 'fatal' } } as const;
    const gossip = { announceMs: 50, antiEntropyMs: [50, 200] } as const;
    const ahead = 50 * (name.charCodeAt(0) - 'a'.charCodeAt(0));
    const clock = (): number => Date.now() + ahead;
    const peer = await Peer.open({ ...own, buckets: BUCKETS, gossip, ...config }, { clock });
    open.push(peer);
    return peer;
  }

  async function synced(...peers: Peer[]): Promise<void> {
    await eventually('all peers are in sync', async () => {
      await Promise.all(peers.map((peer) => peer.compare()));
      const buckets = peers.map((peer) => peer.status().buckets);
      const hashes = buckets.map((one) => JSON.stringify(Object.values(one).map(({ hash }) => hash)));
      return peers.every((peer) => peer.status().inSync) && new Set(hashes).size === 1;
    });
  }

  test('end up with the same, as each policy says', async () => {
    const [a, b] = [await start('a'), await start('b')];
    const [carts, visits, tags, orders] = ['carts', 'visits', 'tags', 'orders'].map((bucket) => ({ bucket }));
    await a.set('order', 'from a', orders);
    await b.set('order', 'from b', orders);
    await a.set('cart', ['milk'], carts);
    await b.set('cart', ['bread'], carts);
    await a.increment('page', 3, visits);
    await b.increment('page', -1, visits);
    await a.add('article', ['x', 'y'], tags);
    await b.add('article', ['y', 'z'], tags);
    await b.remove('article', 'y', tags);
    await b.addPeer(a.url);
    await synced(a, b);
    for (const peer of [a, b]) {
      expect(await peer.get('order', orders)).toBe('from a');
      expect((await peer.siblings('cart', carts)).values.map(({ value }) => value)).toEqual([
        ['milk'],
        ['bread'],
      ]);
      expect(await peer.get('cart', carts)).toEqual(['bread']);
      expect(await peer.get('page', visits)).toBe(2);
      expect(await listOf(peer.members('article', tags))).toEqual(['x', 'y', 'z']);
    }
    const { context } = await b.siblings<string[]>('cart', carts);
    await b.set('cart', ['milk', 'bread'], { ...carts, ...(context === undefined ? {} : { context }) });
    await a.remove('article', ['x', 'y'], tags);
    await synced(a, b);
    for (const peer of [a, b]) {
      expect((await peer.siblings('cart', carts)).values).toMatchObject([{ value: ['milk', 'bread'] }]);
      expect(await peer.get('article', tags)).toEqual(['z']);
    }
  });

  test('a change is told once at each peer, in words of the policy', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await b.addPeer(a.url);
    await synced(a, b);
    const [sums, members] = [b.watch({ bucket: 'visits' }), b.watch({ bucket: 'tags' })];
    await a.increment('page', 2, { bucket: 'visits' });
    await a.increment('page', 3, { bucket: 'visits' });
    await a.add('article', 'x', { bucket: 'tags' });
    await a.remove('article', 'x', { bucket: 'tags' });
    const next = async (changes: AsyncIterator<PeerChange>): Promise<PeerChange | undefined> => {
      const result = await changes.next();
      return result.done === true ? undefined : result.value;
    };
    expect([await next(sums), await next(sums)]).toMatchObject([{ value: 2 }, { value: 5 }]);
    expect([await next(members), await next(members)]).toMatchObject([
      { key: 'article', member: 'x', added: true },
      { key: 'article', member: 'x', added: false },
    ]);
  });

  test('explain names the peer that wrote and the one it came from', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await a.set('Ville', 'Lyon');
    await b.set('Ville', 'Paris');
    await b.addPeer(a.url);
    await synced(a, b);
    await eventually('a knows which origin is of b', async () => {
      const { writes } = await a.explain('Ville');
      return writes[0]?.peer?.name === 'b';
    });
    const { writes, replaced } = await a.explain<string>('Ville');
    const [row] = await listOf(a.entries({ prefix: 'Ville' }));
    const { dot, stamp } = row ?? { dot: '', stamp: '' };
    expect(writes).toEqual([
      {
        value: 'Paris',
        dot,
        stamp,
        time: expect.any(Number),
        origin: dot.split('.')[0],
        peer: { id: b.id, name: 'b' },
        came: { at: expect.any(Number), how: 'delta', peer: { id: b.id, name: 'b' } },
      },
    ]);
    expect(replaced).toMatchObject([
      { preview: '"Lyon"', peer: { id: a.id, name: 'a' }, came: { how: 'written' } },
    ]);
    await b.set('Ville', 'Nice');
    await eventually('it has come to a', async () => (await a.get('Ville')) === 'Nice');
    expect((await a.explain('Ville')).writes[0]?.came).toMatchObject({ how: 'push', peer: { id: b.id } });
  });

  test('explain names what a write replaced that was here before the start', async () => {
    const former = await start('a');
    await former.set('Ville', 'Lyon');
    await former.close();
    const a = await start('a');
    await a.set('Ville', 'Paris');
    expect((await a.explain('Ville')).replaced).toMatchObject([
      { preview: '"Lyon"', peer: { id: a.id, name: 'a' }, came: null, replacedAt: expect.any(Number) },
    ]);
  });

  test('status tells who is how far behind in which bucket since when, on either side', async () => {
    const before = Date.now();
    // The writes of b lie in the future of a, which takes them a moment later.
    const gossip = { announceMs: 50, antiEntropyMs: [50, 200], maxClockDriftMs: 20 } as const;
    const [a, b] = [await start('a', { gossip }), await start('z', { gossip })];
    await b.addPeer(a.url);
    await synced(a, b);
    await b.increment('page', 1, { bucket: 'visits' });
    const since = expect.any(Number);
    const lags = await eventually('both know that a lacks it', () => {
      const [here, there] = [a.status().peers[0], b.status().peers[0]];
      return here?.behind === 1 && there?.ahead === 1 && [here.buckets, there.buckets];
    });
    expect(lags).toEqual([
      { visits: { behind: 1, ahead: 0, since } },
      { visits: { behind: 0, ahead: 1, since } },
    ]);
    for (const lag of lags === false ? [] : lags) {
      expect(lag['visits']?.since).toBeGreaterThanOrEqual(before);
    }
    await synced(a, b);
    expect([a.status().peers[0]?.buckets, b.status().peers[0]?.buckets]).toEqual([{}, {}]);
  });

  test('of a member that is away status tells what it lacks, by its last announcement', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await b.addPeer(a.url);
    await a.set('k', 1);
    await a.delete('k');
    // Only now it is forgotten that a key was deleted: b has told a that it has everything.
    await eventually('b has announced both', () => a.status().buckets['default']?.tombstones === 0);
    await b.close();
    await a.setMany([
      ['k', 2],
      ['l', 3],
    ]);
    await eventually('b lacks two writes', () => a.status().peers[0]?.ahead === 2);
    const { state, buckets } = a.status().peers[0] ?? {};
    expect([state === 'connected', buckets]).toEqual([
      false,
      { default: { behind: 0, ahead: 2, since: expect.any(Number) } },
    ]);
    await a.removePeer(b.id, { evict: true });
    expect(a.status().peers).toEqual([]);
  });

  test('what is left of a set of many removed members is listed, whole', async () => {
    const a = await start('a', { gossip: { announceMs: 60_000 } });
    const bucket = 'tags';
    const many = Array.from({ length: 5000 }, (_, i) => `m${i}`);
    await a.add('large', many, { bucket });
    await a.remove('large', many, { bucket });
    await a.add('large', 'z', { bucket });
    expect(a.status().buckets[bucket]).toMatchObject({ keys: 1, tombstones: 5000 });
    expect(await listOf(a.members('large', { bucket }))).toEqual(['z']);
    expect(await listOf(a.keys({ bucket }))).toEqual(['large']);
    expect(await listOf(a.entries({ bucket }))).toMatchObject([{ key: 'large', value: ['z'] }]);
    expect(await a.get('large', { bucket })).toEqual(['z']);
    expect(await a.delete('large', { bucket })).toMatchObject({ found: true });
    expect(await listOf(a.keys({ bucket }))).toEqual([]);
  });

  test('a bucket of which they think differently is not replicated, and status says so', async () => {
    const a = await start('a');
    const b = await start('b', { buckets: { ...BUCKETS, visits: { policy: 'lww' } } });
    await b.addPeer(a.url);
    await a.set('k', 1);
    await a.increment('page', 1, { bucket: 'visits' });
    await eventually('what they agree about has come', async () => (await b.get('k')) === 1);
    await Promise.all([a.compare(), b.compare()]);
    for (const peer of [a, b]) {
      const { peers, buckets, inSync } = peer.status();
      expect(peers).toMatchObject([{ refused: ['visits'], behind: 0, ahead: 0 }]);
      expect(buckets['default']).toMatchObject({ inSync: true });
      expect([buckets['visits']?.inSync, inSync]).toEqual([false, false]);
    }
    expect(await b.get('page', { bucket: 'visits' })).toBeUndefined();
  });

  test('status names who holds tombstones back, until that peer is evicted', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await b.addPeer(a.url);
    await a.set('k', 1);
    await synced(a, b);
    const gone = { id: b.id, url: b.url };
    await eventually('b is a member', () => a.status().buckets['default']?.heldBy.length === 0);
    await b.close();
    await a.delete('k');
    const held = await eventually('b holds the tombstone back', () => {
      const { heldBy = [] } = a.status().buckets['default'] ?? {};
      return heldBy.find(({ peer }) => peer === gone.id);
    });
    expect(held).toEqual({ peer: gone.id, name: 'b', since: expect.any(Number) });
    expect(a.status().buckets['default']).toMatchObject({ tombstones: 1, keys: 0 });
    await a.removePeer(gone.url, { evict: true });
    await eventually('the tombstone is gone', () => a.status().buckets['default']?.tombstones === 0);
    expect(a.status().buckets['default']).toMatchObject({ heldBy: [], floor: expect.any(Object) });
    await expect(a.evict('no-such-peer-00000000')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('values with types of their own can be written as they are', async () => {
    interface City {
      readonly name: string;
      readonly people?: number;
      readonly districts: readonly string[];
    }
    const a = await start('a', { storage: 'memory' });
    const city: City = { name: 'Lyon', districts: ['Croix-Rousse'] };
    await a.set('city', city);
    expect((await a.get<City>('city'))?.districts).toEqual(['Croix-Rousse']);
    // @ts-expect-error JSON carries no functions
    await expect(a.set('city', { name: () => 'Lyon' })).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    // @ts-expect-error JSON carries no dates
    await expect(a.set('city', new Date())).rejects.toMatchObject({ code: 'VALUE_INVALID' });
  });
});
