import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../tools/eventually.js';
import { Cluster, type PeerProcess } from '../tools/peer-process.js';

/** How long dials are counted, milliseconds. */
const WATCHED_MS = 2500;
/** With the default pauses, which double from 0.2 s on, jittered: an endless loop would make hundreds. */
const DIALS_AT_MOST = 10;
const LOG = { level: 'debug', format: 'json' } as const;

describe('a peer of another cluster', () => {
  const cluster = new Cluster();
  let ours: PeerProcess;
  let theirs: PeerProcess;

  beforeAll(async () => {
    ours = await cluster.start('ours', { port: 0, log: LOG });
    theirs = await cluster.start('theirs', { port: 0, cluster: 'other', peers: [ours.url], log: LOG });
    await ours.value('addPeer', theirs.url);
    await Promise.all([ours.set('k', 'ours'), theirs.set('k', 'theirs')]);
    await eventually('both say so', () => mentions(ours).length > 0 && mentions(theirs).length > 0);
    await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
  });
  afterAll(() => cluster.stop());

  /** What the log says of it. */
  const mentions = ({ log }: PeerProcess, level = ''): string[] =>
    log.split('\n').filter((line) => line.includes('"code":"CLUSTER_MISMATCH"') && line.includes(level));

  test('is refused, and both sides keep their own', async () => {
    for (const peer of [ours, theirs]) {
      expect(mentions(peer)[0]).toMatch(/it belongs to cluster '(rumeur|other)', we to '(rumeur|other)'/);
      const states = (await peer.getPeers()).map(({ state }) => state);
      expect(states).toHaveLength(1);
      expect(states).not.toContain('connected');
      expect(await peer.get('k')).toBe(peer.name);
    }
  });

  test('is not dialled in a loop', () => {
    // Each dial of either side is mentioned at most twice: by whom we refuse, and by who refuses us.
    for (const peer of [ours, theirs]) expect(mentions(peer).length).toBeLessThan(4 * DIALS_AT_MOST);
  });

  test('is complained about once in each log', () => {
    for (const peer of [ours, theirs]) expect(mentions(peer, '"level":40')).toHaveLength(1);
  });
});
