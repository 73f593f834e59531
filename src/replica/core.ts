import { type BucketName, isId, type LinkId, type OriginId, type PeerId } from '../base/ids.js';
import type { Random } from '../base/random.js';
import type { Entry, EntryWithoutDigest } from '../data/entry.js';
import { type Link, type Self, younger, youngest } from '../protocol/link.js';
import type { AddressBook } from '../protocol/address-book.js';
import type { MemberRecord } from '../protocol/members.js';
import type { BucketDigest } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import type { Clock } from './clock.js';
import type { OwnDelay } from './own-delay.js';
import type { View } from './view.js';

/** What the replica is configured with; every number in milliseconds or bytes as its name says. */
export interface ReplicaOptions {
  readonly name: string;
  readonly version: string;
  /** Where others reach us; `null` when we cannot be dialled. */
  readonly url: string | null;
  readonly discovery: boolean;
  /** While no more others are known than that, a link to each is wanted. */
  readonly meshPeers: number;
  /** How many links are kept where there are more. */
  readonly degree: number;
  /** Shortest and longest pause between two rounds of anti-entropy. */
  readonly antiEntropyMs: readonly [number, number];
  readonly maxClockDriftMs: number;
  readonly pingMs: number;
  readonly pingTimeoutMs: number;
  /** News is announced over lazy links, and links leave trees, after this time at most, milliseconds. */
  readonly lazyMs: number;
  /** How many links are kept. */
  readonly links: number;
  readonly deltaChunkBytes: number;
  /** Whether the store outlives the process: only such peers are members, whom tombstones wait for (rule 10). */
  readonly durable: boolean;
  /** Shortest time between two announcements of what was flushed. */
  readonly announceMs: number;
  /** A member that has announced nothing for so long is evicted. */
  readonly evictAfterMs: number;
  /** Reads the operations of a push, instead of `unpackOps`: a simulator opens once what comes to a thousand peers. */
  readonly open?: (origin: OriginId, body: Uint8Array) => readonly (EntryWithoutDigest | Entry)[];
  /** The same record as it is held already: a simulator holds once what a thousand peers have heard. Default: itself. */
  readonly held?: (record: MemberRecord) => MemberRecord;
  /** Time between two audits of a part of the store; 0: never. */
  readonly auditMs: number;
}

/** Counters since the start, for `status`, tests and benchmarks. */
export interface Counters {
  /** Operations written here. */
  writes: number;
  /** Operations pushed to and received in pushes from others, duplicates included. */
  pushesSent: number;
  pushesReceived: number;
  /** Received pushed operations that were no news. */
  pushesDuplicate: number;
  /** Bytes of pushes that held news: the least that had to come, with those of deltas. */
  newsBytesReceived: number;
  /** Pushes with news whose hops were counted, and their hops: all together, and the most. */
  hopsCounted: number;
  hops: number;
  hopsMost: number;
  /** Messages of the broadcast tree: announcements, questions for what was missing, and links that left a tree. */
  havesSent: number;
  havesReceived: number;
  graftsSent: number;
  graftsReceived: number;
  prunesSent: number;
  prunesReceived: number;
  /** Pushed operations left out because a link's window was full. */
  pushesDropped: number;
  /** Entries and bytes of deltas. */
  deltaEntriesSent: number;
  deltaEntriesReceived: number;
  deltaBytesSent: number;
  deltaBytesReceived: number;
  rounds: number;
  /** Comparisons that found equal vectors and unequal data. */
  divergences: number;
  /** Sessions of range reconciliation begun, entries that they took out, and entries that they brought. */
  reconciliations: number;
  shed: number;
  repaired: number;
  tombstonesDropped: number;
  /** Writes that came in older than a tombstone that was dropped, to keys without an entry: kept (rule 12). */
  lateWrites: number;
  /** Rows found damaged, and those that came back. */
  rowsDamaged: number;
  rowsRepaired: number;
  /** Damaged rows that nobody else had. */
  rowsLost: number;
  /** How often dots were uncovered: of damaged rows, or of an origin that was used twice. */
  uncoverings: number;
  bytesSent: number;
  bytesReceived: number;
}

export const newCounters = (): Counters => ({
  writes: 0,
  pushesSent: 0,
  pushesReceived: 0,
  pushesDuplicate: 0,
  newsBytesReceived: 0,
  hopsCounted: 0,
  hops: 0,
  hopsMost: 0,
  havesSent: 0,
  havesReceived: 0,
  graftsSent: 0,
  graftsReceived: 0,
  prunesSent: 0,
  prunesReceived: 0,
  pushesDropped: 0,
  deltaEntriesSent: 0,
  deltaEntriesReceived: 0,
  deltaBytesSent: 0,
  deltaBytesReceived: 0,
  rounds: 0,
  divergences: 0,
  reconciliations: 0,
  shed: 0,
  repaired: 0,
  tombstonesDropped: 0,
  lateWrites: 0,
  rowsDamaged: 0,
  rowsRepaired: 0,
  rowsLost: 0,
  uncoverings: 0,
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
  readonly delay: OwnDelay;
  readonly buckets: ReadonlyMap<BucketName, Bucket>;
  readonly links: Map<LinkId, Link>;
  readonly addresses: AddressBook;
  readonly counters: Counters;
  /** The origin under which we write now. */
  origin: OriginId;
}

/** The one link to each peer that carries gossip. */
export function activeLinks(core: Core): Link[] {
  const byPeer = new Map<PeerId, Link>();
  for (const link of core.links.values()) {
    if (!link.hello || link.closing) continue;
    const other = byPeer.get(link.hello.peer);
    byPeer.set(link.hello.peer, other ? younger(other, link) : link);
  }
  return [...byPeer.values()];
}

/**
 * Whether there is a link to a peer, as it is now. One that is about to end counts: whoever is leaving would not answer a
 * dial, and when its link has ended there is a pause first.
 */
export function linkedPeers(core: Core): (id: PeerId) => boolean {
  const linked = new Set<PeerId>();
  for (const { hello } of core.links.values()) if (hello) linked.add(hello.peer);
  return (id) => linked.has(id);
}

export function linkTo(core: Core, id: PeerId): Link | undefined {
  const links = [...core.links.values()].filter((link) => link.hello?.peer === id && !link.closing);
  return youngest(links);
}

/** Whom a peer id or a canonical url names: that of a peer that was met, or of one that a link is to. */
export function peerIdOf(core: Core, target: string): PeerId | undefined {
  if (isId(target)) return target as PeerId;
  const known = core.addresses.get(target)?.record.id;
  if (known !== undefined) return known;
  const links = [...core.links.values()];
  return links.find(({ url, hello }) => url === target || hello?.url === target)?.hello?.peer;
}

/** The bucket of this name, unless the two sides of the link disagree about its policy. */
export const bucketOn = (core: Core, link: Link, name: BucketName): Bucket | undefined =>
  link.refused.has(name) ? undefined : core.buckets.get(name);

export const digestOf = (bucket: Bucket): BucketDigest => ({
  bucket: bucket.name,
  vectorHash: bucket.vector.hash(),
  stateHash: bucket.fingerprint.toBytes(),
});
