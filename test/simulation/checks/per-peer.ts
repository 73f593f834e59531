import type { SimPeer } from '../../../simulator/sim-peer.js';

/** What is remembered of a peer, empty at first. */
export function setOf(map: Map<SimPeer, Set<string>>, peer: SimPeer): Set<string> {
  let set = map.get(peer);
  if (!set) map.set(peer, (set = new Set()));
  return set;
}
