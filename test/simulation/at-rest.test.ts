import { describe, expect, test } from '@jest/globals';
import type { SimPeer } from '../../simulator/sim-peer.js';
import { World } from '../../simulator/world.js';

const MINUTE_MS = 60_000;

/** Five peers, all linked to all, with some data, that have long agreed. */
function mesh(seed: number): World {
  const world = new World(seed);
  const first = world.addPeer();
  for (let i = 0; i < 4; i++) world.addPeer({ peers: [first.url] });
  for (let i = 0; i < 50; i++) {
    (world.random.pick(world.peers) as SimPeer).set(`k${i % 20}`, `v${i}`);
    world.run(world.now + 50);
  }
  world.run(world.now + MINUTE_MS);
  return world;
}

/** Messages by type in the next minute. */
function oneMinute(world: World): Map<string, number> {
  const before = new Map(world.network.sent);
  world.run(world.now + MINUTE_MS);
  const rows = [...world.network.sent].map(([kind, n]) => [kind, n - (before.get(kind) ?? 0)] as const);
  return new Map(rows.filter(([, n]) => n > 0));
}

describe('at rest', () => {
  test('only pings and rare digests flow, and nobody is busy', () => {
    const world = mesh(1);
    expect(world.isEqual).toBe(true);
    expect(world.network.size).toBe(10);
    const steps = world.steps;
    const sent = oneMinute(world);
    expect([...sent.keys()].sort()).toEqual(['digest', 'ping', 'pong', 'same']);
    // A ping each 5 s in both directions; a round each 7.5 to 15 s for each peer.
    expect(sent.get('ping')).toBeLessThanOrEqual(10 * 2 * 12);
    expect(sent.get('digest')).toBeLessThanOrEqual(5 * 8);
    expect(world.steps - steps).toBeLessThan(1000);
  });

  test('writes that are held back are not asked for again and again', () => {
    const world = mesh(2);
    const [ahead] = world.peers as [SimPeer];
    // With neighbours it would be told that its clock is off.
    ahead.crash();
    ahead.start();
    ahead.options.skewMs = 2 * 3_600_000;
    ahead.set('from', 'the future');
    ahead.options.skewMs = 0;
    const holders = (): number => world.peers.filter((peer) => peer.bucket.held.size > 0).length;
    // Each has to compare with the writer, and draws its neighbours by chance.
    expect(world.run(world.now + 3 * MINUTE_MS, () => holders() === 4)).toBe(true);
    const sent = oneMinute(world);
    expect(sent.get('deltaRequest') ?? 0).toBe(0);
    expect(sent.get('vectors') ?? 0).toBeLessThanOrEqual(5 * 8 * 2);
    // Other writes go their way meanwhile, and when the time has come so does this one.
    for (const peer of world.peers) peer.set('mine', peer.url);
    world.run(world.now + MINUTE_MS);
    world.skipTime(2 * 3_600_000);
    expect(world.run(world.now + MINUTE_MS, () => world.isEqual)).toBe(true);
  });

  test('a peer that was refused does not dial again and again', () => {
    const world = mesh(3);
    const [a, b] = world.peers as [SimPeer, SimPeer];
    a.take({ kind: 'removePeer', request: 1, target: b.url });
    world.run(world.now + MINUTE_MS);
    const { dials } = world.network;
    world.run(world.now + MINUTE_MS);
    // Back-off in the simulation is 5 s at the longest, and at least a quarter of it.
    expect(world.network.dials - dials).toBeLessThanOrEqual(60);
    expect([...a.replica.core.links.values()].some((link) => link.hello?.peer === b.replica.peerId)).toBe(
      false,
    );
  });

  test('half-open links are replaced without a storm of dials', () => {
    const world = mesh(4);
    const { dials } = world.network;
    for (let i = 0; i < 10; i++) world.network.halfOpen(i);
    world.run(world.now + 20_000);
    expect(world.network.size).toBe(10);
    expect(world.network.dials - dials).toBeLessThan(40);
  });
});
