import type { Random } from '../../src/base/random.js';
import type { Message } from '../../src/protocol/messages.js';
import { Plumtree } from '../../src/protocol/plumtree.js';
import type { ReplicaSettings } from '../../src/replica/replica.js';
import type { SimPeerOptions } from '../sim-peer-options.js';
import { urlOf, type World } from '../world.js';
import { Flood } from './flood.js';

/** How news is carried: over trees, which links leave after so many frames without news, or to everybody. */
export type Strategy = { readonly kind: 'tree'; readonly pruneAfter?: number } | { readonly kind: 'flood' };

/** As peers have it by default: the simulator's own tests want deltas of many small chunks. */
const DELTA_CHUNK_BYTES = 65_536;
/** In a crowd, a peer joins so long after the one before, milliseconds. */
const JOIN_MS = 20;

/** What carries news, all of which may get lost without harm. */
const BROADCAST: readonly Message['type'][] = ['push', 'have', 'graft', 'prune'];

/** So many of the messages of the broadcast vanish, of 1. */
export const lossOf = (share: number): Partial<Record<Message['type'], number>> =>
  Object.fromEntries(BROADCAST.map((kind) => [kind, share]));

/** Settings of peers that are measured. */
export function measured(world: World, strategy: Strategy): Partial<ReplicaSettings> {
  return {
    open: world.frames.open,
    held: world.announcements.held,
    deltaChunkBytes: DELTA_CHUNK_BYTES,
    broadcast: (isMesh) =>
      strategy.kind === 'flood' ? new Flood() : new Plumtree(isMesh, strategy.pruneAfter),
  };
}

/** What a peer is made with, by its place. */
type OptionsOf = (place: number) => Partial<SimPeerOptions>;

/** A random graph: each peer names earlier ones, so that all are connected and have so many links on average. */
export function addGraph(
  world: World,
  { peers, degree }: { readonly peers: number; readonly degree: number },
  optionsOf: OptionsOf,
): void {
  let links = 0;
  for (let i = 0; i < peers; i++) {
    const wanted = Math.max(1, Math.round(((i + 1) * degree) / 2) - links);
    const friends = someOf(world.random, i, Math.min(i, wanted));
    links += friends.length;
    world.addPeer({
      ...optionsOf(i),
      peers: friends.map(urlOf),
      discovery: false,
      links: Math.max(64, degree * 4),
    });
  }
}

/** A mesh: up to `gossip.meshPeers` and one more find each other. */
export function addMesh(world: World, peers: number, optionsOf: OptionsOf): void {
  for (let i = 0; i < peers; i++) {
    world.addPeer({ ...optionsOf(i), peers: Array.from({ length: i }, (_, earlier) => urlOf(earlier)) });
  }
}

/** Peers that join one after the other, each naming one earlier, and find others themselves. */
export function addCrowd(world: World, peers: number, options: Partial<SimPeerOptions>): void {
  for (let i = 0; i < peers; i++) {
    world.addPeer({ ...options, peers: someOf(world.random, i, Math.min(i, 1)).map(urlOf) });
    world.run(world.now + JOIN_MS);
  }
}

/** So many different numbers below `below`. */
export function someOf(random: Random, below: number, count: number): number[] {
  if (count * 4 < below) {
    const chosen = new Set<number>();
    while (chosen.size < count) chosen.add(random.integer(0, below - 1));
    return [...chosen];
  }
  const all = Array.from({ length: below }, (_, i) => i);
  random.shuffle(all);
  return all.slice(0, count);
}
