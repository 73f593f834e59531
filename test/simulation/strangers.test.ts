import { describe, expect, test } from '@jest/globals';
import { decodeMessage } from '../../src/protocol/codec.js';
import type { Message } from '../../src/protocol/messages.js';
import { activeLinks } from '../../src/replica/core.js';
import type { SimPeer } from '../../simulator/sim-peer.js';
import { urlOf, World } from '../../simulator/world.js';

/** What a sink says: enough to be kept. */
const SMALL_TALK: ReadonlySet<Message['type']> = new Set([
  'hello',
  'goodbye',
  'ping',
  'pong',
  'ack',
  'peers',
]);

/** Sinks, which link to all others, cannot be dialled, and pass nothing on. */
function addSinks(world: World, count: number): void {
  const peers = world.peers.map(({ url }) => url);
  const sinks = new Set<SimPeer>();
  for (let i = 0; i < count; i++)
    sinks.add(world.addPeer({ peers, settings: { url: null, discovery: false }, durable: false }));
  world.network.tamper = (from, _, bytes) =>
    !sinks.has(from) || SMALL_TALK.has(decodeMessage(bytes).type) ? bytes : undefined;
}

/** How long a write of each of these takes until all of them have it, milliseconds: the longest. */
function slowest(world: World, peers: readonly SimPeer[]): number {
  let longest = 0;
  for (const [i, writer] of peers.entries()) {
    const begun = world.now;
    writer.set(`of ${i} at ${begun}`, 'x');
    const have = (): boolean => {
      const { vector } = writer.bucket;
      return peers.every((peer) => vector.within(peer.bucket.vector));
    };
    expect(world.run(world.now + 30_000, have)).toBe(true);
    longest = Math.max(longest, world.now - begun);
    world.run(world.now + 500);
  }
  return longest;
}

describe('sinks, to which others are linked in vain', () => {
  test.each([1, 2])('do not keep the peers of a sparse cluster apart (seed %i)', (seed) => {
    const world = new World(seed);
    for (let i = 0; i < 8; i++) {
      const peers = i === 0 ? [] : [urlOf(world.random.integer(0, i - 1))];
      world.addPeer({ peers, settings: { meshPeers: 4, degree: 3 } });
      world.run(world.now + 300);
    }
    const honest = [...world.peers];
    world.run(20_000);
    addSinks(world, 2);
    world.run(world.now + 60_000);
    expect(slowest(world, honest)).toBeLessThan(500);
  });
});

test('half of a crowd may be out of reach of dials: all keep links, and get every write', () => {
  const world = new World(4);
  for (let i = 0; i < 40; i++) {
    const isHidden = i % 2 === 1;
    const friend = urlOf(2 * world.random.integer(0, Math.max(0, Math.ceil(i / 2) - 1)));
    world.addPeer({
      peers: i === 0 ? [] : [friend],
      settings: { meshPeers: 12, ...(isHidden ? { url: null } : {}) },
      durable: false,
    });
    world.run(world.now + 200);
  }
  world.run(world.now + 20_000);
  const { dials } = world.network;
  for (let i = 0; i < 30; i++) {
    world.run(world.now + 1_000);
    const links = world.peers.map(({ replica }) => activeLinks(replica.core).length);
    expect(Math.min(...links)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...links)).toBeLessThanOrEqual(12);
  }
  // They do not drive each other out: links are renewed, about one a minute.
  expect(world.network.dials - dials).toBeLessThan(120);
  expect(slowest(world, world.peers)).toBeLessThan(500);
});
