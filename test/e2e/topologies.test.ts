import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../tools/eventually.js';
import { Cluster, type PeerProcess } from '../tools/peer-process.js';

/** Whom each of five peers dials, by index. */
const TOPOLOGIES: Readonly<Record<string, readonly (readonly number[])[]>> = {
  line: [[], [0], [1], [2], [3]],
  ring: [[], [0], [1], [2], [3, 0]],
  star: [[], [0], [0], [0], [0]],
  triangle: [[], [0], [0, 1], [2], [3]],
  'full mesh': [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3]],
};

interface LinkEnd {
  readonly from: string;
  readonly to: string;
  readonly pushesSent: number;
  readonly deltasSent: number;
}

describe('one set reaches all and crosses no link twice', () => {
  const cluster = new Cluster();
  const peers: PeerProcess[] = [];
  beforeAll(async () => {
    const gossip = { discovery: false, antiEntropyMs: [50, 50] as [number, number] };
    for (const name of ['one', 'two', 'three', 'four', 'five'])
      peers.push(await cluster.start(name, { port: 0, gossip }));
  });
  afterAll(() => cluster.stop());

  test.each(Object.entries(TOPOLOGIES))('%s of five', async (name, dials) => {
    await onEveryLink('addPeer', peers, dials);
    const degrees = degreesOf(dials);
    await Promise.all(peers.map((peer, i) => peer.connected(degrees[i] ?? 0)));
    // Links of peers with the same data begin with no delta, which would carry the write as well.
    await cluster.converged();

    await peers[2]?.set('MonChamp', name);
    for (const peer of peers)
      await eventually('the value is there', async () => (await peer.get('MonChamp')) === name);
    await cluster.converged();

    const ends = await linkEnds(peers);
    expect(ends).toHaveLength(2 * dials.flat().length);
    for (const end of ends) expect(end.pushesSent).toBeLessThanOrEqual(1);
    const total = ends.reduce((sum, { pushesSent, deltasSent }) => sum + pushesSent + deltasSent, 0);
    expect(total).toBeGreaterThanOrEqual(4);

    await tenMoreRounds(peers);
    expect(await linkEnds(peers)).toEqual(ends);

    await onEveryLink('removePeer', peers, dials);
    await Promise.all(peers.map((peer) => peer.connected(0)));
  });
});

/** Lets who dials link to whom it dials, or unlink: the same five peers stand in every topology, one after the other. */
async function onEveryLink(
  event: 'addPeer' | 'removePeer',
  peers: readonly PeerProcess[],
  dials: readonly (readonly number[])[],
): Promise<void> {
  for (const [i, targets] of dials.entries())
    for (const target of targets) await peers[i]?.value(event, peers[target]?.url);
}

function degreesOf(dials: readonly (readonly number[])[]): number[] {
  const degrees = dials.map((targets) => targets.length);
  for (const target of dials.flat()) degrees[target] = (degrees[target] ?? 0) + 1;
  return degrees;
}

/** What each peer has sent over each of its links. */
async function linkEnds(peers: readonly PeerProcess[]): Promise<LinkEnd[]> {
  const ends = await Promise.all(
    peers.map(async (peer) => {
      const { peers: others } = await peer.status();
      return others.flatMap(({ id, traffic }) =>
        traffic
          ? [{ from: peer.id, to: id, pushesSent: traffic.pushesSent, deltasSent: traffic.deltasSent }]
          : [],
      );
    }),
  );
  return ends.flat();
}

/** Every link sees at least ten further rounds: a peer with n links has to start that many times n, by chance more. */
async function tenMoreRounds(peers: readonly PeerProcess[]): Promise<void> {
  const before = await Promise.all(peers.map((peer) => rounds(peer)));
  await eventually('ten further rounds on every link', async () => {
    const now = await Promise.all(peers.map((peer) => rounds(peer)));
    return now.every((links, i) =>
      [...links].every(([id, count]) => count >= (before[i]?.get(id) ?? 0) + 10),
    );
  });
}

/** Rounds of anti-entropy that ended on each link, by the other peer's id. */
async function rounds(peer: PeerProcess): Promise<Map<string, number>> {
  const { peers } = await peer.status();
  return new Map(peers.flatMap(({ id, traffic }) => (traffic ? [[id, traffic.rounds] as const] : [])));
}
