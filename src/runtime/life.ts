import { randomBytes } from 'node:crypto';
import type { RumeurError } from '../base/errors.js';
import type { Config } from '../config/config.js';
import type { StoredState } from '../replica/batch.js';
import { Replica } from '../replica/replica.js';
import type { View } from '../replica/view.js';
import type { Loop } from './loop.js';
import { VERSION } from './version.js';

/** One opened handle of the store. */
export interface Handle {
  /** Why it must not be read any more. */
  over: RumeurError | undefined;
}

/**
 * A peer's store and the replica that goes with it, from the opening of the store until it fails or is closed. What
 * is asked of a peer is asked of its present life.
 */
export interface Life {
  readonly replica: Replica;
  /** What is in the store; to be read only while the handle is not over. */
  readonly view: View;
  readonly handle: Handle;
  /** Absent where nothing can be written: see `failure`. */
  readonly loop: Loop | undefined;
  /** Why nothing can be written any more, or yet. */
  readonly failure: RumeurError | undefined;
}

/** What a replica is made of, beside its store. */
export interface ReplicaOptions {
  readonly config: Config;
  /** Where others reach this peer; `null` when we listen on every address and none is advertised. */
  readonly url: string | null;
}

/** A life in which the store can be read alone. Its replica tells what is stored, and is never given anything to do. */
export const readOnlyLife = (
  options: ReplicaOptions,
  stored: StoredState,
  view: View,
  handle: Handle,
  failure: RumeurError,
): Life => ({ replica: replicaOf(options, stored, view), view, handle, loop: undefined, failure });

/** What is left of a life whose handle is over, until the store is opened anew. */
export const unreadableLife = ({ replica, view, handle }: Life, failure: RumeurError): Life => ({
  replica,
  view,
  handle,
  loop: undefined,
  failure,
});

export function replicaOf({ config, url }: ReplicaOptions, stored: StoredState, view: View): Replica {
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
