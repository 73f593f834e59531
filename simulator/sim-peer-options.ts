import type { BucketName } from '../src/base/ids.js';
import type { Entry } from '../src/data/entry.js';
import type { PolicyName } from '../src/data/policy.js';
import type { Batch, StoredState } from '../src/replica/batch.js';
import type { Replica, ReplicaSettings } from '../src/replica/replica.js';

export interface SimPeerOptions {
  /** Urls that its config names. */
  readonly peers: readonly string[];
  /** Its wall clock minus the true time, milliseconds; may change while it runs. */
  skewMs: number;
  readonly discovery: boolean;
  /** The most links that it keeps. */
  readonly links: number;
  /** From a commit to its flush. */
  readonly flushMs: readonly [number, number];
  /** At most so late after it was due the process wakes: what arrives meanwhile comes before. */
  readonly busyMs: number;
  /** Keeps its data over a restart; without, everything is new each time. */
  readonly durable: boolean;
  /** Without `durable`: a store for large worlds, which cannot be damaged. */
  readonly light: boolean;
  /** Policies other than the world's. */
  readonly policies: Readonly<Record<string, PolicyName>>;
  /** Settings of the replica other than those of a simulation. */
  readonly settings: Partial<ReplicaSettings>;
}

/** What a test may break inside a process, to see whether the checks find it. */
export interface Sabotage {
  /** What the store makes of a batch. */
  readonly commit?: (batch: Batch) => Batch;
  /** What a crash leaves of a transaction that was under way. */
  readonly tear?: (batch: Batch) => Batch;
  /** A crashed peer goes on under its origin. */
  readonly keepsOrigin?: boolean;
  /** Writes are acknowledged before they are flushed. */
  readonly acknowledgesEarly?: boolean;
  /** The replica hears at once that its marks are on the disk. */
  readonly flushesInWords?: boolean;
  /** What a process finds when it opens its store. */
  readonly opened?: (stored: StoredState) => StoredState;
  /** Changes a replica that has just been made. */
  readonly replica?: (replica: Replica) => void;
}

/** A write that its caller was told is done. */
export interface Acknowledged {
  readonly bucket: BucketName;
  readonly entry: Entry;
}

export const DEFAULTS: SimPeerOptions = {
  peers: [],
  skewMs: 0,
  discovery: true,
  links: 64,
  flushMs: [0, 20],
  busyMs: 0.01,
  durable: true,
  light: false,
  policies: {},
  settings: {},
};

/** What the replica of such a peer is configured with. */
export function settingsOf(
  url: string,
  options: SimPeerOptions,
  policies: Readonly<Record<string, PolicyName>>,
): ReplicaSettings {
  const buckets = Object.entries({ ...policies, ...options.policies });
  return {
    name: url,
    version: 'simulated',
    url,
    discovery: options.discovery,
    meshPeers: 50,
    degree: 8,
    antiEntropyMs: [1000, 15000],
    maxClockDriftMs: 60_000,
    pingMs: 5000,
    pingTimeoutMs: 15_000,
    lazyMs: 100,
    links: options.links,
    // One or two entries: deltas of many chunks.
    deltaChunkBytes: 40,
    announceMs: 5000,
    evictAfterMs: 7 * 86_400_000,
    auditMs: 3_600_000,
    cluster: 'simulated',
    buckets: Object.fromEntries(buckets.map(([name, policy]) => [name, { policy }])),
    peers: options.peers,
    addresses: 512,
    dialBackoffMs: [200, 5000],
    ...options.settings,
    durable: options.durable,
  };
}
