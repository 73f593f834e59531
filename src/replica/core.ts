import type { BucketName, LinkId, OriginId, PeerId } from '../base/ids.js';
import type { Random } from '../base/random.js';
import { type Link, type Self, youngest } from '../protocol/link.js';
import type { AddressBook } from '../protocol/address-book.js';
import type { BucketDigest } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import type { Clock } from './clock.js';
import type { View } from './view.js';

/** What the replica is configured with; every number in milliseconds or bytes as its name says. */
export interface ReplicaOptions {
  readonly name: string;
  readonly version: string;
  /** Where others reach us; `null` when we cannot be dialled. */
  readonly url: string | null;
  readonly discovery: boolean;
  /** Shortest and longest pause between two rounds of anti-entropy. */
  readonly antiEntropyMs: readonly [number, number];
  readonly maxClockDriftMs: number;
  readonly pingMs: number;
  readonly pingTimeoutMs: number;
  /** How many links are kept. */
  readonly links: number;
  readonly deltaChunkBytes: number;
}

/** Counters since the start, for `status`, tests and benchmarks. */
export interface Counters {
  [name: string]: number;
  /** Operations written here. */
  writes: number;
  /** Operations pushed to and received in pushes from others, duplicates included. */
  pushesSent: number;
  pushesReceived: number;
  /** Received pushed operations that were no news. */
  pushesDuplicate: number;
  /** Pushed operations left out because a link's window was full. */
  pushesDropped: number;
  /** Entries and bytes of deltas. */
  deltaEntriesSent: number;
  deltaEntriesReceived: number;
  deltaBytesSent: number;
  deltaBytesReceived: number;
  rounds: number;
  divergences: number;
  bytesSent: number;
  bytesReceived: number;
}

export const newCounters = (): Counters => ({
  writes: 0,
  pushesSent: 0,
  pushesReceived: 0,
  pushesDuplicate: 0,
  pushesDropped: 0,
  deltaEntriesSent: 0,
  deltaEntriesReceived: 0,
  deltaBytesSent: 0,
  deltaBytesReceived: 0,
  rounds: 0,
  divergences: 0,
  bytesSent: 0,
  bytesReceived: 0,
});

/** The state that the replica's parts share. */
export interface Core {
  readonly options: ReplicaOptions;
  readonly self: Self;
  readonly random: Random;
  readonly view: View;
  readonly clock: Clock;
  readonly buckets: ReadonlyMap<BucketName, Bucket>;
  readonly links: Map<LinkId, Link>;
  readonly addresses: AddressBook;
  readonly counters: Counters;
  /** The origin under which we write now. */
  origin: OriginId;
}

/** The one link to each peer that carries gossip. */
export function activeLinks(core: Core): Link[] {
  const byPeer = new Map<PeerId, Link[]>();
  for (const link of core.links.values()) {
    if (!link.hello || link.closing) continue;
    const links = byPeer.get(link.hello.peer);
    if (links) links.push(link);
    else byPeer.set(link.hello.peer, [link]);
  }
  return [...byPeer.values()].map((links) => youngest(links)).filter((link) => link !== undefined);
}

export function linkTo(core: Core, id: PeerId): Link | undefined {
  const links = [...core.links.values()].filter((link) => link.hello?.peer === id && !link.closing);
  return youngest(links);
}

export const digestOf = (bucket: Bucket): BucketDigest => ({
  bucket: bucket.name,
  vectorHash: bucket.vector.hash(),
  stateHash: bucket.fingerprint.toBytes(),
});
