import { describe, expect, test } from '@jest/globals';
import { activeLinks } from '../../src/replica/core.js';
import type { SimPeer } from '../../simulator/sim-peer.js';
import { World } from '../../simulator/world.js';

/** Which earlier peers the i-th of five names; discovery is off, so that the links stay as they are named. */
const TOPOLOGIES: Readonly<Record<string, readonly (readonly number[])[]>> = {
  line: [[], [0], [1], [2], [3]],
  ring: [[], [0], [1], [2], [3, 0]],
  star: [[], [0], [0], [0], [0]],
  triangle: [[], [0], [0, 1]],
  mesh: [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3]],
};

function build(named: readonly (readonly number[])[], seed: number): World {
  const world = new World(seed);
  for (const friends of named) {
    const peers = friends.map((i) => (world.peers[i] as SimPeer).url);
    world.addPeer({ peers, discovery: false });
  }
  world.run(world.now + 5_000);
  return world;
}

/** The pushes and the entries of deltas that crossed each link, from each side. */
const trafficOf = (world: World): { pushes: number; deltas: number }[] =>
  world.peers.flatMap(({ replica }) =>
    activeLinks(replica.core).map(({ traffic }) => ({
      pushes: traffic.pushesSent,
      deltas: traffic.deltasSent,
    })),
  );

describe.each(Object.entries(TOPOLOGIES))('%s', (_, named) => {
  const links = named.reduce((sum, friends) => sum + friends.length, 0);

  test.each([1, 2, 3])('a write reaches all, once in a direction at most (seed %i)', (seed) => {
    const world = build(named, seed);
    expect(world.network.size).toBe(links);
    const before = trafficOf(world);
    (world.peers[seed % named.length] as SimPeer).set('key', 'value');
    expect(world.run(world.now + 2_000, () => world.isEqual)).toBe(true);
    world.run(world.now + 2_000);
    const after = trafficOf(world);
    expect(after).toHaveLength(2 * links);
    for (const { pushes } of after) expect(pushes).toBeLessThanOrEqual(1);
    // Every peer but the writer got it, and the world throws if a push crosses a link twice.
    const pushes = after.reduce((sum, row) => sum + row.pushes, 0);
    expect(pushes).toBeGreaterThanOrEqual(named.length - 1);
    expect(after.map(({ deltas }) => deltas)).toEqual(before.map(({ deltas }) => deltas));
    // Many rounds of anti-entropy later nothing more has crossed.
    const { sent } = world.network;
    const digests = sent.get('digest') ?? 0;
    world.run(world.now + 300_000);
    expect((sent.get('digest') ?? 0) - digests).toBeGreaterThan(10 * links);
    expect(trafficOf(world)).toEqual(after);
  });
});

test('newcomers that name one peer are linked to all in seconds', () => {
  const world = new World(5);
  const first = world.addPeer();
  for (let i = 0; i < 7; i++) world.addPeer({ peers: [first.url] });
  const isMesh = (): boolean =>
    world.peers.every(({ replica }) => activeLinks(replica.core).length === world.peers.length - 1);
  expect(world.run(5_000, isMesh)).toBe(true);
  world.addPeer({ peers: [(world.peers[3] as SimPeer).url] });
  expect(world.run(world.now + 5_000, isMesh)).toBe(true);
});
