import { randomBytes } from 'node:crypto';
import type { RumeurError } from '../base/errors.js';
import type { Config } from '../config/config.js';
import type { StoredState } from '../replica/batch.js';
import { Replica } from '../replica/replica.js';
import type { View } from '../replica/view.js';
import type { Loop } from './loop.js';
import { VERSION } from './version.js';

/**
 * A peer's store and the replica that goes with it, from the opening of the store until it fails or is closed. What
 * is asked of a peer is asked of its present life.
 */
export interface Life {
  readonly replica: Replica;
  /** What is in the store. */
  readonly view: View;
  /** Absent where nothing can be written: see `failure`. */
  readonly loop: Loop | undefined;
  /** Why nothing can be written any more, or yet. */
  readonly failure: RumeurError | undefined;
}

/** @param url where others reach the peer, `null` when nobody can say */
export function replicaOf(config: Config, url: string | null, stored: StoredState, view: View): Replica {
  const { gossip, limits } = config;
  const settings = {
    ...gossip,
    name: config.name,
    version: VERSION,
    url,
    cluster: config.cluster,
    buckets: config.buckets,
    peers: config.peers,
    links: limits.links,
    addresses: limits.addresses,
    deltaChunkBytes: limits.deltaChunkBytes,
    durable: config.storage !== 'memory',
  };
  return new Replica(settings, stored, view, secureSeed());
}

function secureSeed(): [number, number, number, number] {
  const bytes = randomBytes(16);
  return [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at)) as [number, number, number, number];
}
