import type { PeerId } from '../../src/base/ids.js';
import type { SimPeer } from '../../simulator/sim-peer.js';
import type { World } from '../../simulator/world.js';
import { isFullMesh } from './mesh.js';
import type { Setup } from './plan/plan.js';
import { Violation } from './violation.js';

/** How often a person looks after the cluster: by then peers are linked again, and know each other's clocks. */
const LOOK_MS = 10_000;

/** From now on a person looks now and then whether somebody is waited for who will not come back. */
export function lookAfter(world: World): void {
  world.after(LOOK_MS, () => {
    evictLost(world);
    lookAfter(world);
  });
}

/** Who was lost with its disk will not come back, and nobody is to wait for it. */
function evictLost(world: World): void {
  const present = new Set(world.running.map(({ replica }) => replica.peerId));
  const lost = new Map<PeerId, SimPeer>();
  for (const peer of world.running) {
    for (const record of peer.replica.members.counted()) {
      if (!present.has(record.peer) && !lost.has(record.peer)) lost.set(record.peer, peer);
    }
  }
  for (const [target, witness] of lost) witness.ask({ kind: 'evict', target });
}

/** How many tombstones stand, at all peers together. */
export const tombstonesIn = (world: World): number =>
  world.peers.reduce(
    (sum, peer) => sum + world.buckets.reduce((n, name) => n + peer.bucketNamed(name).tombstones, 0),
    0,
  );

/** Why they stand, for people. */
function reasons(world: World): string {
  return world.peers
    .map(({ url, replica: { members } }) => {
      const known = members.counted().map(({ name, number }) => `${name}@${number >> 16n}`);
      return `${url} counts ${known.join(' ')}`;
    })
    .join('; ');
}

/** Announcements until everybody has said that it has everything; a store that flushes late, a person who looks late. */
const ANNOUNCEMENTS = 3;
const SLACK_MS = 5_000 + LOOK_MS;
/**
 * Who is not linked to a member hears of its announcement by anti-entropy, hop by hop, with a neighbour that is chosen by chance
 * every 7.5 to 15 s: 95 s was the most in 1,200 seeds, but chance may go on.
 */
const BY_HEARSAY_MS = 300_000;

/**
 * Deletes do not pile up: once everybody has everything, no tombstone stands anywhere for long.
 * @returns when the last one went, milliseconds
 */
export function dropAll(world: World, { announceMs }: Setup): number {
  const from = world.now;
  const withinMs = isFullMesh(world) ? ANNOUNCEMENTS * announceMs + SLACK_MS : BY_HEARSAY_MS;
  if (world.run(from + withinMs, () => tombstonesIn(world) === 0)) return world.now - from;
  const left = tombstonesIn(world);
  throw new Violation(
    'tombstones',
    `${left} stand ${withinMs} ms after everything is well: ${reasons(world)}`,
  );
}
