import { describe, expect, test } from '@jest/globals';
import type { SimPeer } from '../../simulator/sim-peer.js';
import { World } from '../../simulator/world.js';
import { isFullMesh } from './mesh.js';

/** Some peers, each linked to each, that have been at rest for a while; and what happened to their links since. */
class Mesh extends World {
  #dials = 0;
  closed = 0;

  constructor(size: number, seed: number) {
    super(seed);
    const first = this.addPeer();
    for (let i = 1; i < size; i++) this.addPeer({ peers: [first.url] });
    this.run(20_500);
    expect(isFullMesh(this)).toBe(true);
    this.#dials = this.network.dials;
    this.observer = {
      handled: (_, __, { closes }) => {
        this.closed += closes.length;
      },
    };
  }

  /** Dials since the mesh was formed. */
  get dials(): number {
    return this.network.dials - this.#dials;
  }

  /** Whom anybody ever announced to be down. */
  get announced(): Set<string> {
    const notes = this.peers.flatMap((peer) => peer.notes.filter(({ event }) => event === 'peer-down'));
    const urls = new Map(this.peers.map((peer) => [peer.replica.peerId as string, peer.url]));
    return new Set(notes.map(({ fields }) => urls.get(String(fields?.['peer'])) ?? 'nobody we know'));
  }
}

const suspectors = (world: World, { replica }: SimPeer): number =>
  world.running.filter((peer) => peer.replica.liveness.isSuspect(replica.peerId)).length;

describe('of twenty peers', () => {
  test('one that is stopped for 5 s is suspected at most: no link is lost, and nobody is called down', () => {
    const world = new Mesh(20, 1);
    let most = 0;
    for (const place of [7, 0]) {
      world.run(world.now + 3_000);
      const stalled = world.peers[place] as SimPeer;
      stalled.stop(5_000);
      world.run(world.now + 4_900);
      most = Math.max(most, suspectors(world, stalled));
      world.run(world.now + 6_700);
      expect(world.running.map((peer) => suspectors(world, peer))).toEqual(world.peers.map(() => 0));
    }
    expect(most).toBeGreaterThan(10);
    // And one that looks at what came in every 2 s only.
    (world.peers[4] as SimPeer).slowDown(2_000, 40_000);
    world.run(world.now + 40_000);
    expect([[...world.announced], world.dials, world.closed]).toEqual([[], 0, 0]);
  });
});

describe('of eight peers', () => {
  test('one that is killed is held for down by all others within half a minute, and for alive when it is back', () => {
    const world = new Mesh(8, 3);
    const victim = world.peers[6] as SimPeer;
    const { peerId } = victim.replica;
    const isDownForAll = (): boolean =>
      world.running.every((peer) => peer === victim || peer.replica.liveness.isDown(peerId));
    victim.crash();
    world.run(world.now + 1_000);
    expect(suspectors(world, victim)).toBe(7);
    expect([...world.announced]).toEqual([]);
    expect(world.run(world.now + 30_000, isDownForAll)).toBe(true);
    expect([...world.announced]).toEqual([victim.url]);
    victim.start();
    expect(world.run(world.now + 10_000, () => isFullMesh(world))).toBe(true);
    expect(world.peers.some(({ replica }) => replica.liveness.isDown(peerId))).toBe(false);
    world.run(world.now + 60_000);
    expect([...world.announced]).toEqual([victim.url]);
  });

  test('one whose machine dies without a word is held for down by all others within half a minute', () => {
    const world = new Mesh(8, 4);
    const victim = world.peers[6] as SimPeer;
    victim.crash({ silent: true });
    const isDownForAll = (): boolean =>
      world.running.every(({ replica }) => replica.liveness.isDown(victim.replica.peerId));
    expect(world.run(world.now + 30_000, isDownForAll)).toBe(true);
    expect([...world.announced]).toEqual([victim.url]);
  });

  test('two between whom one way is cut suspect each other, and announce nothing, as others hear both', () => {
    const world = new Mesh(8, 5);
    const [a, b] = world.peers as [SimPeer, SimPeer];
    world.network.cutWay(a, b, 'lose');
    world.run(world.now + 30_000);
    // The link was closed before it was silent for `pingTimeoutMs`.
    expect([b.hasNoted('link-broken'), b.hasNoted('link-silent')]).toEqual([true, false]);
    world.run(world.now + 60_000);
    expect([...world.announced]).toEqual([]);
    expect(a.replica.liveness.isSuspect(b.replica.peerId)).toBe(true);
    expect(b.replica.liveness.isSuspect(a.replica.peerId)).toBe(true);
    // The two dial each other in vain, with back-off; nobody else has lost a link.
    expect(world.dials).toBeLessThan(120);
    expect(world.network.size).toBe((8 * 7) / 2 - 1);
    world.network.heal();
    expect(world.run(world.now + 10_000, () => isFullMesh(world))).toBe(true);
  });

  test('one that is cut off from all keeps to itself that it hears nobody', () => {
    const world = new Mesh(8, 6);
    const alone = world.peers[3] as SimPeer;
    for (const other of world.peers) if (other !== alone) world.network.cut(alone, other, 'lose');
    world.run(world.now + 60_000);
    expect(world.peers.filter(({ replica }) => alone.replica.liveness.isDown(replica.peerId))).toHaveLength(
      7,
    );
    const notes = alone.notes.filter(({ event }) => event === 'peer-down');
    expect(notes.map(({ fields }) => fields?.['witnesses'])).toEqual(notes.map(() => 0));
    world.network.heal();
    expect(world.run(world.now + 10_000, () => isFullMesh(world))).toBe(true);
  });
});
