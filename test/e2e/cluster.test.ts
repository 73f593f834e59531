import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Random } from '../../src/base/random.js';
import { eventually } from '../tools/eventually.js';
import type { PeerProcess } from '../tools/peer-process.js';
import { type Counts, linksOf, minus, sumOf } from './cluster/counts.js';
import { LogEvents } from './cluster/log-events.js';
import { Mesh } from './cluster/mesh.js';

/** `npm run cluster` takes 20. */
const PEERS = 6;
const ROUNDS = 4;
const IDLE_MS = 1000;
const MOST_IDLE_BYTES = 200;
/** Other tests may want the processors too. */
const WITHIN_MS = 30_000;
const TEST_MS = 90_000;

describe('real peers that join one after the other and name one each', () => {
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await Mesh.open({ peers: PEERS, storage: 'lmdb', random: Random.fromNumber(1) });
    for (const peer of mesh.peers) await peer.start();
  }, TEST_MS);
  afterAll(() => mesh.close());

  const counts = async (): Promise<Counts> => sumOf((await mesh.statuses()).map(({ counters }) => counters));

  const writeAll = async (prefix: string, peers: readonly PeerProcess[]): Promise<void> => {
    for (let round = 0; round < ROUNDS; round++)
      for (const peer of peers) await peer.set(`${prefix} ${peer.name}`, round);
  };

  test(
    'become one mesh by gossip alone',
    async () => {
      await mesh.formed(WITHIN_MS);
    },
    TEST_MS,
  );

  test(
    'push each write to each other peer once, from the first write on, and say little when nothing is written',
    async () => {
      const before = await counts();
      await writeAll('once', mesh.peers);
      await mesh.equal(WITHIN_MS);
      const written = await counts();
      const { writes = 0, pushesReceived, pushesDuplicate } = minus(written, before);
      expect(writes).toBe(ROUNDS * PEERS);
      expect({ pushesReceived, pushesDuplicate }).toEqual({
        pushesReceived: writes * (PEERS - 1),
        pushesDuplicate: 0,
      });

      // The writes are announced and compared first.
      await eventually(
        'little is said',
        async () => {
          const [idle, from] = [await counts(), performance.now()];
          await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
          const { bytesSent = 0 } = minus(await counts(), idle);
          return bytesSent / ((performance.now() - from) / 1000) / linksOf(PEERS) < MOST_IDLE_BYTES;
        },
        { withinMs: WITHIN_MS },
      );
    },
    TEST_MS,
  );

  test(
    'are one mesh again, and equal, after kill -9 of two under load',
    async () => {
      const events = new LogEvents(mesh.peers);
      const victims = mesh.peers.slice(1, 3);
      await Promise.all(victims.map((peer) => peer.kill('SIGKILL')));
      await writeAll('without them', mesh.running);
      await Promise.all(victims.map((peer) => peer.start()));
      await writeAll('with them', mesh.peers);
      await mesh.equal(WITHIN_MS);
      await mesh.formed(WITHIN_MS);
      expect(await mesh.said(['suspect', 'down'])).toEqual([]);
      expect(LogEvents.errorsIn(mesh.peers)).toEqual([]);
      // Each of the two is lost and met again by the others, and by the other one of the two.
      expect(events.counts()['connected']).toBeLessThanOrEqual(2 * linksOf(PEERS));
    },
    TEST_MS,
  );
});
