import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Socket as TcpSocket } from 'node:net';
import { nanoid } from 'nanoid';
import { io, type Socket } from 'socket.io-client';
import type { BucketName, OriginId } from '../../src/base/ids.js';
import type { Stamp } from '../../src/data/stamp.js';
import { VersionVector } from '../../src/data/version-vector.js';
import { packOps } from '../../src/protocol/codec.js';
import { eventually } from '../tools/eventually.js';
import { keptMemory, WITH_INSPECTOR } from '../tools/kept-memory.js';
import { Cluster, type PeerProcess } from '../tools/peer-process.js';
import { RawPeer } from '../tools/raw-peer.js';
import { type Ack, call, connect, next, valueOf } from '../tools/socket-client.js';

/** What is written while somebody does not read, and how much of it the peer may need memory for: far less. Megabytes. */
const WRITTEN = 120;
const TOLERATED = 60;
/** A link that seems to read may keep 64 MiB waiting in its sockets, which are cut off beyond that. */
const BUFFERED = 110;
/** How often it is asked how much it needs. */
const PORTIONS = 5;

const WEBSOCKET = { transports: ['websocket'] };

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.stop());

/** A peer that can be asked how much memory it needs. */
async function startMeasured(): Promise<PeerProcess> {
  const peer = cluster.configure('one', { port: 0 });
  peer.env = WITH_INSPECTOR;
  await peer.start();
  return peer;
}

/** The most megabytes that a process needs after a portion of some work, above what it needed before. */
async function growthOf(
  peer: PeerProcess,
  portion: (n: number) => Promise<void>,
  portions = PORTIONS,
): Promise<number> {
  const before = await keptMemory(peer);
  let most = before;
  for (let n = 0; n < portions; n++) {
    await portion(n);
    most = Math.max(most, await keptMemory(peer));
  }
  return (most - before) / 1e6;
}

/** Writes so many megabytes over a few keys, 4 batches of a megabyte at a time. */
async function writeMegabytes(peer: PeerProcess, count: number): Promise<void> {
  const value = 'x'.repeat(100_000);
  const batch = (i: number): Promise<unknown> =>
    peer.value(
      'setMany',
      Array.from({ length: 10 }, (_, k) => [`key ${i % 4} ${k}`, value]),
    );
  for (let i = 0; i < count; i += 4) await Promise.all([batch(i), batch(i + 1), batch(i + 2), batch(i + 3)]);
}

/** The connection below a client with WebSocket. */
const tcpOf = (socket: Socket): TcpSocket =>
  (socket.io.engine.transport as unknown as { ws: { _socket: TcpSocket } }).ws._socket;

describe('more than a peer can take', () => {
  test('20,000 sets without waiting are acknowledged or OVERLOADED, and others are served meanwhile', async () => {
    const peer = await startMeasured();
    const flood = await connect(peer.url, WEBSOCKET);
    const answers: Promise<Ack>[] = [];
    let slowest = 0;
    for (let i = 0; i < 20_000; i++) answers.push(call(flood, 'set', `k${i}`, { i, text: 'x'.repeat(100) }));
    let done = false;
    void Promise.all(answers).then(() => (done = true));
    while (!done) {
      const from = performance.now();
      await peer.get('k0');
      slowest = Math.max(slowest, performance.now() - from);
    }
    const acks = await Promise.all(answers);
    const refused = acks.filter(({ ok }) => !ok);
    expect(refused.filter(({ error }) => error?.code !== 'OVERLOADED')).toEqual([]);
    expect(acks.length - refused.length).toBeGreaterThan(5000);
    expect((await peer.status()).buckets['default']?.keys).toBe(acks.length - refused.length);
    expect(slowest).toBeLessThan(5000);
    expect(await keptMemory(peer)).toBeLessThan(60e6);
    flood.disconnect();
  });

  test('of 1,200 clients 1,000 are served, the others told why, and a place that is left is taken', async () => {
    const peer = await cluster.start('one', { port: 0 });
    const two = await cluster.start('two', { port: 0, peers: [peer.url] });
    const clients = Array.from({ length: 1200 }, () =>
      io(peer.url, { ...WEBSOCKET, forceNew: true, reconnection: false }),
    );
    const refusals: unknown[] = [];
    await Promise.all(
      clients.map(
        (client) =>
          new Promise<void>((resolve) => {
            client.once('connect', resolve);
            client.once('connect_error', (error) => {
              refusals.push((error as { data?: unknown }).data);
              resolve();
            });
          }),
      ),
    );
    const served = clients.filter(({ connected }) => connected);
    expect(served).toHaveLength(1000);
    expect(refusals).toHaveLength(200);
    const told = refusals.filter((data) => data !== undefined);
    for (const data of told) expect(data).toMatchObject({ code: 'OVERLOADED' });
    expect(told.length).toBeGreaterThan(0);
    const [first, last] = [served[0], served.at(-1)];
    if (!first || !last) throw new Error('nobody was served');
    expect(await call(last, 'set', 'k', 1)).toMatchObject({ ok: true });
    await two.connected(1);
    await eventually('peers are not clients', async () => (await two.get('k')) === 1);
    first.disconnect();
    const late = await eventually('a place is free', () =>
      connect(peer.url, WEBSOCKET).catch(() => undefined),
    );
    expect(await call(late as Socket, 'get', 'k')).toMatchObject({ value: 1 });
    for (const client of [...clients, late]) client?.disconnect();
  });

  test('a client that watches everything and never reads loses its watches, not the peer its memory', async () => {
    const peer = await startMeasured();
    const deaf = await connect(peer.url, WEBSOCKET);
    const { id } = (await valueOf(deaf, 'watch', {})) as { id: string };
    const failed = next(deaf, 'failed');
    tcpOf(deaf).pause();
    const growth = await growthOf(peer, () => writeMegabytes(peer, WRITTEN / PORTIONS));
    expect(growth).toBeLessThan(TOLERATED);
    tcpOf(deaf).resume();
    expect(await failed).toMatchObject({ event: 'watch', id, error: { code: 'WATCH_OVERFLOW' } });
    expect(await call(deaf, 'get', 'key 0 0')).toMatchObject({ ok: true });
    deaf.disconnect();
  });
});

describe('a peer that stops reading after HELLO', () => {
  let peer: PeerProcess;
  let raw: RawPeer;
  beforeEach(async () => {
    peer = await startMeasured();
    await writeMegabytes(peer, 4);
    raw = await RawPeer.join(peer.url);
    raw.stopReading();
  });
  afterEach(() => raw.destroy());

  test('costs the writer bounded memory, and the others nothing', async () => {
    const friend = await cluster.start('two', { port: 0, peers: [peer.url] });
    await friend.connected(1);
    const growth = await growthOf(peer, () => writeMegabytes(peer, WRITTEN / PORTIONS));
    expect(growth).toBeLessThan(TOLERATED);
    await cluster.converged();
  });

  test('and acknowledges all the same', async () => {
    const growth = await growthOf(peer, async () => {
      const timer = setInterval(() => raw.send({ type: 'ack', bytes: Number.MAX_SAFE_INTEGER }), 5);
      await writeMegabytes(peer, (2 * WRITTEN) / PORTIONS);
      clearInterval(timer);
    });
    expect(growth).toBeLessThan(BUFFERED);
  });

  test('and asks for deltas on and on', async () => {
    const nothing = new VersionVector();
    const growth = await growthOf(peer, async (n) => {
      for (let i = 1; i <= 60 && !raw.closed; i++) {
        const request = 60 * n + i;
        const bucket = 'default' as BucketName;
        const horizon = Date.now();
        raw.send({
          type: 'deltaRequest',
          request,
          bucket,
          vector: nothing,
          floor: nothing,
          horizon,
          credit: 8,
        });
        await peer.get('key 0 0');
      }
    });
    expect(growth).toBeLessThan(BUFFERED);
  });
});

test('a peer that sends without end is taken up to a bound, or cut off', async () => {
  const peer = await startMeasured();
  const raw = await RawPeer.join(peer.url);
  const stamp = (BigInt(Date.now()) << 16n) as Stamp;
  const ops = Array.from({ length: 100 }, (_, i) => ({
    origin: 'x' as OriginId,
    seq: i + 1,
    stamp: (stamp + BigInt(i)) as Stamp,
    key: `key ${i}`,
    value: Buffer.from(`"${'x'.repeat(10_000)}"`),
  }));
  const body = packOps(ops);
  const growth = await growthOf(peer, async () => {
    for (let sent = 0; sent < (WRITTEN / PORTIONS) * 1e6 && !raw.closed; sent += body.length) {
      const origin = nanoid<OriginId>();
      raw.send({ type: 'push', hops: 1, bucket: 'default' as BucketName, origin, lo: 1, hi: 100, body });
      while (raw.backlog > 1e6) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
  expect(growth).toBeLessThan(TOLERATED);
  expect(await peer.set('after', 1)).toHaveProperty('dot');
  raw.destroy();
});
