import { expect, test } from '@jest/globals';
import { activeLinks } from '../../src/replica/core.js';
import type { SimPeer } from '../../simulator/sim-peer.js';
import { urlOf, World } from '../../simulator/world.js';

/** Whom each running peer is linked to, both sides of the link being of that opinion. */
function graphOf(world: World): Map<SimPeer, SimPeer[]> {
  const byId = new Map(world.running.map((peer) => [peer.replica.peerId, peer]));
  const linked = (peer: SimPeer): SimPeer[] =>
    activeLinks(peer.replica.core).flatMap(({ hello }) => (hello && byId.get(hello.peer)) ?? []);
  return new Map(
    world.running.map((peer) => [peer, linked(peer).filter((other) => linked(other).includes(peer))]),
  );
}

/** How far each peer that can be reached at all is from the first one. */
function distances(graph: ReadonlyMap<SimPeer, readonly SimPeer[]>): number[] {
  const [first] = graph.keys();
  const reached = new Map(first ? [[first, 0]] : []);
  for (const [peer, distance] of reached) {
    for (const other of graph.get(peer) ?? []) if (!reached.has(other)) reached.set(other, distance + 1);
  }
  return [...reached.values()];
}

/** So many peers that join one after the other, each naming an earlier one. */
function joined(size: number, seed: number): World {
  const world = new World(seed);
  for (let i = 0; i < size; i++) {
    const friend = world.random.pick(world.peers);
    world.addPeer({ peers: friend ? [friend.url] : [], settings: { meshPeers: 16 } });
    world.run(world.now + 100);
  }
  return world;
}

/** What holds of a crowd at rest. */
function expectViews(world: World): void {
  const graph = graphOf(world);
  const degrees = [...graph.values()].map((others) => others.length);
  expect(distances(graph)).toHaveLength(world.running.length);
  // A random graph of degree 7 reaches 120 peers in 2.5 steps on average.
  expect(Math.max(...distances(graph))).toBeLessThanOrEqual(5);
  expect(Math.min(...degrees)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...degrees)).toBeLessThanOrEqual(12);
  const mean = degrees.reduce((sum, degree) => sum + degree, 0) / degrees.length;
  expect(mean).toBeGreaterThan(6);
  expect(mean).toBeLessThan(8.5);
}

function crash(world: World, count: number): void {
  const victims = [...world.running];
  world.random.shuffle(victims);
  for (const peer of victims.slice(0, count)) peer.crash();
}

test('120 peers that join one after the other keep a few links each, and heal when half of them crash, and then 80%', () => {
  const world = joined(120, 1);
  world.run(world.now + 10_000);
  expectViews(world);
  // Nobody keeps more addresses than twice the bound of a mesh.
  for (const { replica } of world.peers)
    expect([...replica.core.addresses.active()].length).toBeLessThanOrEqual(32);
  crash(world, 60);
  world.run(world.now + 3_000);
  expectViews(world);
  crash(world, 48);
  world.run(world.now + 5_000);
  expectViews(world);
});

test('a mesh that is as large as one may be forms wholly, though all dial each other at the same moment', () => {
  for (const seed of [2, 3]) {
    const world = new World(seed);
    for (let i = 0; i <= 12; i++) {
      const peers = Array.from({ length: i }, (_, earlier) => urlOf(earlier));
      world.addPeer({ peers, settings: { meshPeers: 12, degree: 4 }, durable: false });
    }
    const isWhole = (): boolean =>
      world.peers.every(({ replica }) => activeLinks(replica.core).length === 12);
    expect(world.run(60_000, isWhole)).toBe(true);
    world.run(world.now + 60_000);
    expect(isWhole()).toBe(true);
  }
});
