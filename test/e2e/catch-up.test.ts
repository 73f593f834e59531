import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../tools/eventually.js';
import { Cluster, type PeerProcess } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

const KEYS = 100_000;
const MISSED = 1000;

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.stop());

test('a peer that missed 1,000 of 100,000 keys pulls about those', async () => {
  const [p1 = 0, p2 = 0] = await freePorts(2);
  const one = await cluster.start('one', { port: p1, peers: [p2] });
  const two = await cluster.start('two', { port: p2, peers: [p1] });
  await load(
    one,
    Array.from({ length: KEYS }, (_, i) => row(i, 'first')),
  );
  await eventually('two has them all', async () => (await two.status()).buckets['default']?.keys === KEYS);
  await cluster.converged();

  await two.kill('SIGTERM');
  const missed = Array.from({ length: MISSED }, (_, i) => row((i * 97) % KEYS, 'second'));
  await load(one, missed);
  await two.start();
  await cluster.converged();

  const { counters } = await two.status();
  const encoded = missed.reduce((sum, [key, value]) => sum + key.length + JSON.stringify(value).length, 0);
  expect(counters['deltaEntriesReceived']).toBe(MISSED);
  expect(counters['deltaBytesReceived']).toBeLessThanOrEqual(1.5 * encoded);
  // Everything that came in, pushes, vectors and handshakes included.
  expect(counters['bytesReceived']).toBeLessThanOrEqual(1.5 * encoded);
}, 60_000);

const row = (i: number, version: string): [string, string] => [
  `key ${String(i).padStart(8, '0')}`,
  `${version} ${String(i)} ${'x'.repeat(100)}`,
];

async function load(peer: PeerProcess, rows: readonly [string, string][]): Promise<void> {
  for (let i = 0; i < rows.length; i += 1000) await peer.value('setMany', rows.slice(i, i + 1000));
}
