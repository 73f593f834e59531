import { describe, expect, test } from '@jest/globals';
import { activeLinks } from '../../src/replica/core.js';
import type { SimPeer } from '../../simulator/sim-peer.js';
import { World } from '../../simulator/world.js';

const urlOf = (i: number): string => `http://peer-${i}:1`;

/** More peers than links: everybody finds room, and all converge. */
describe('a cluster larger than its peers may have links', () => {
  test('a newcomer to a full mesh in which everybody is at the limit gets everything', () => {
    const world = new World(7);
    for (let i = 1; i <= 4; i++) world.addPeer({ peers: i > 1 ? [urlOf(1)] : [], links: 3 });
    world.run(60_000);
    expect(world.peers.map((peer) => activeLinks(peer.replica.core).length)).toEqual([3, 3, 3, 3]);
    (world.peers[0] as SimPeer).set('a', 'x');
    world.addPeer({ peers: [1, 2, 3, 4].map(urlOf), links: 3 });
    expect(world.run(world.now + 60_000, () => world.isEqual)).toBe(true);
  });

  test('two halves that filled up while they were apart meet again', () => {
    const world = new World(8);
    for (let i = 1; i <= 8; i++) {
      world.addPeer({ peers: i === 1 ? [] : [urlOf(i <= 4 ? 1 : 5)], links: 3 });
    }
    world.run(60_000);
    (world.peers[0] as SimPeer).take({ kind: 'addPeer', request: 99, url: urlOf(5) });
    (world.peers[0] as SimPeer).set('k', 'left');
    (world.peers[5] as SimPeer).set('k', 'right');
    expect(world.run(world.now + 120_000, () => world.isEqual)).toBe(true);
  });

  test.each([1, 2, 3])('twenty peers with six links each are one cluster (seed %i)', (seed) => {
    const world = new World(seed);
    for (let i = 1; i <= 20; i++) {
      world.addPeer({ peers: i === 1 ? [] : [urlOf(world.random.integer(1, i - 1))], links: 6 });
      world.run(world.now + 500);
    }
    world.run(world.now + 60_000);
    for (const peer of world.peers) expect(activeLinks(peer.replica.core).length).toBeLessThanOrEqual(6);
    for (const [i, peer] of world.peers.entries()) peer.set(`from ${i}`, 'x');
    expect(world.run(world.now + 60_000, () => world.isEqual)).toBe(true);
  });
});
