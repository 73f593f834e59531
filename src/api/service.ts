import type { ErrorCode, RumeurError } from '../base/errors.js';
import type { PeerId } from '../base/ids.js';
import type { LocalOp } from '../data/op.js';
import type { AddressSource } from '../protocol/address-book.js';
import type { Direction } from '../transport/transport.js';
import type { BucketPolicy } from './bucket-policy.js';
import type { BucketComparison, VerifyOptions } from './comparison.js';
import type { Explanation } from './explanation.js';

/**
 * One key to write: a value (JSON text as UTF-8, already validated) or `null` to delete, perhaps with the context of what
 * its writer had seen; or an increment. Members of sets go through `addMembers` and `removeMembers`.
 */
export type WriteOp = LocalOp;

/** `found`: whether a live value stood under the key before. A delete that found nothing writes nothing. */
export interface WriteResult {
  readonly found: boolean;
  /** `origin.seq`, absent when nothing was written. */
  readonly dot?: string;
  /** 16 hex digits, absent when nothing was written. */
  readonly stamp?: string;
}

/** What an increment has led to, as this peer sees it. */
export interface Counted {
  readonly value: number;
  readonly dot: string;
  readonly stamp: string;
}

/**
 * A key with what it holds: the value; of concurrent values the greatest; of a counter the sum; of a set the sorted array
 * of its members. Dot and stamp are those of the greatest write that it is made of.
 */
export interface Row {
  readonly key: string;
  /** JSON text as UTF-8. */
  readonly value: Uint8Array;
  readonly dot: string;
  readonly stamp: string;
}

/** A change of what a key holds, with the dot and stamp of the write that made it. */
export interface RowChange {
  readonly bucket: string;
  readonly key: string;
  /** As in `Row`; `null` when nothing is left under the key, and for changes of sets. */
  readonly value: Uint8Array | null;
  readonly dot: string;
  readonly stamp: string;
  /** How many values stand side by side; only when there are several. */
  readonly siblings?: number;
  /** Of sets only: which member came or went. */
  readonly member?: { readonly name: string; readonly added: boolean };
}

/** One of the values that stand side by side under a key. */
export interface Sibling {
  /** JSON text as UTF-8. */
  readonly value: Uint8Array;
  readonly dot: string;
  readonly stamp: string;
}

/** All values under a key, ascending by stamp, and what a write must name that has seen them. */
export interface Siblings {
  readonly values: readonly Sibling[];
  /** Opaque text, made of what this cell holds; `undefined` when nothing was ever written there. */
  readonly context: string | undefined;
}

/**
 * A result that is there at once, or a promise of it where reading it takes several turns of the event loop; writes that are
 * made meanwhile may be in it or not.
 */
export type Soon<T> = T | Promise<T>;

/** A part of a list: as much as was asked for, or as may be read in one turn of the event loop, deleted keys included. */
export interface Page<T> {
  readonly rows: readonly T[];
  /** Where the next page begins: there may be more above this, even if there are no rows here. Absent at the end. */
  readonly after?: string;
}

/** Which members of a set. */
export interface MemberRange {
  /** Only members above this one. */
  readonly after?: string;
  /** Members at most. */
  readonly limit: number;
}

export interface ScanRange {
  /** Leaves values out: those of the rows are empty. */
  readonly keysOnly?: boolean;
  readonly prefix?: string;
  /** Only keys above this one. */
  readonly after?: string;
  /** Rows at most. */
  readonly limit: number;
  /** Keys and values at most, in bytes; a first row that is larger comes all the same. Default: no bound. */
  readonly maxBytes?: number;
}

/**
 * `connecting`: never met yet; `suspect`: it does not answer, or there is no link any more; `down`: so for long, and its
 * neighbours have not heard it either, or, where we were never linked to it, three dials or more have failed; `alive`: in
 * a cluster too large to be linked to all, it has no link to us, and nobody says that it is down.
 */
export type PeerState = 'connected' | 'connecting' | 'suspect' | 'down' | 'alive';

/** One row of `getPeers`. */
export interface PeerInfo {
  /** Where the peer is reached; `null` for one that dialled us and advertises nothing. */
  url: string | null;
  id: PeerId | null;
  name: string | null;
  state: PeerState;
  /** Milliseconds, `null` before the first measurement. */
  rttMs: number | null;
  direction: Direction | null;
  /** How its address came to us; `dialed-us` when only by its own dial. */
  known: AddressSource | 'dialed-us';
}

/** A bucket of this peer. */
export interface BucketInfo {
  policy: BucketPolicy;
  /** Live keys; of a bucket of sets, members. */
  keys: number;
}

/** A member, perhaps this peer itself, that has not announced to have some of the tombstones that stand here. */
export interface HeldBy {
  peer: PeerId;
  name: string;
  /** When it last announced what it has, milliseconds since 1970. */
  since: number;
}

/** One bucket, as this peer holds it. */
export interface BucketStatus extends BucketInfo {
  /** Standing tombstones. */
  tombstones: number;
  /** Who keeps tombstones from being dropped, the longest silent first, 8 at most. */
  heldBy: readonly HeldBy[];
  /** For each origin the intervals up to which tombstones were dropped here; absent when none ever was. */
  floor?: Record<string, string>;
  /** Writes that were lost in damaged rows and are awaited from other peers; absent when there are none. */
  damaged?: number;
  /** The order-independent hash of the live entries, 32 hex digits. */
  hash: string;
  /** For each origin the covered intervals, `1-5,7-9`. */
  vector: Record<string, string>;
  inSync: boolean;
}

/** Another peer, as `status` shows it. */
export interface PeerSync {
  id: PeerId;
  url: string | null;
  /** `null` as long as it has told none. */
  name: string | null;
  state: PeerState;
  /** Operations that it is known to have and we have not, and the other way round; without a link as of `asOf`. */
  behind: number;
  ahead: number;
  /** The same by bucket: those that differ. */
  buckets: Record<string, BucketLag>;
  /** Buckets that are not replicated with it, as its config gives them another policy; absent when there are none. */
  refused?: string[];
  /**
   * Operations at most that were sent, or that others may have sent, and that it may not have got all the same: it does not
   * answer, or did not when its link ended. They are not in `ahead`; absent when there are none.
   */
  unconfirmed?: number;
  /**
   * Without a link: when it was what `behind` and `ahead` say, milliseconds since 1970, and by what we know: by its last
   * link, when that ended, or by what it has announced since. Absent with a link, and when nothing is known.
   */
  asOf?: { at: number; by: 'link' | 'announcement' };
  /** Operations that crossed the present link, pushes and deltas apart; absent without a link. */
  traffic?: {
    pushesSent: number;
    pushesReceived: number;
    deltasSent: number;
    deltasReceived: number;
    /** Comparisons that came to an answer on this link, whichever side began them; `counters.rounds` are those begun here. */
    rounds: number;
  };
}

/** How far a peer and we are from each other in one bucket. */
export interface BucketLag {
  behind: number;
  ahead: number;
  /**
   * Milliseconds since 1970: when the difference was first seen; of a peer without a link, when its link ended or it last
   * announced what it has (`asOf`). `null` when that is not known.
   */
  since: number | null;
}

/** What a comparison with all linked peers has come to. */
export interface SyncCheck {
  /** All of them have answered, and cover the same writes. */
  inSync: boolean;
  /** How many of them did not answer within 5 seconds; absent when all did. */
  silent?: number;
}

/** How the disk is, and what the store takes on it. */
export interface DiskStatus {
  /** `full` and `failed`: the peer can only be read, perhaps not even that, until it has got over it. */
  state: 'ok' | 'full' | 'failed';
  /** What is wrong, only where something is; `since` in milliseconds since 1970. */
  code?: ErrorCode;
  message?: string;
  since?: number;
  /** What the files with the data take, in bytes; what of that holds something, and what is free for later writes. */
  fileBytes: number;
  liveBytes: number;
  freeBytes: number;
  /** When all rows had been read and checked last, milliseconds since 1970; absent until then. */
  lastScrubAt?: number;
  /** Rows that turned out damaged and are awaited from other peers. */
  damagedRows: number;
  /** Where a store is that could not be read and was moved away since the start. */
  aside?: string;
}

/** A peer and, as far as it knows, its cluster. */
export interface Status {
  id: PeerId;
  name: string;
  url: string;
  version: string;
  cluster: string;
  uptimeMs: number;
  storage: string;
  durability: string;
  /** Nothing can be written at present: see `disk`. */
  readOnly: boolean;
  /** Absent for a store in memory. */
  disk?: DiskStatus;
  buckets: Record<string, BucketStatus>;
  peers: PeerSync[];
  /** Addresses at which no peer was met yet; absent when there are none. */
  unmet?: { url: string; state: PeerState }[];
  /** In a cluster too large for links to all: below `least` more are dialled, beyond `most` some end. Absent in others. */
  linksWanted?: { least: number; most: number };
  inSync: boolean;
  /** Until when writes from the future are held back (milliseconds since 1970), by bucket; only where some are. */
  heldUntil?: Record<string, number>;
  /** Counters since the start. */
  counters: Record<string, number>;
}

/**
 * What a running peer offers to its own process; the library, the Socket.IO events and later surfaces stand on it.
 * Every failure is a RumeurError. Keys and values are validated by the caller with `api/values.ts`.
 *
 * Whatever names a bucket may fail with `BUCKET_UNKNOWN`, whatever its policy does not allow with `POLICY`; reads of a
 * row that is damaged and not yet repaired with `DISK_FAILED`.
 */
export interface PeerService {
  /**
   * The JSON text of what a key holds (see `Row`), `undefined` when there is nothing.
   * @throws `VALUE_TOO_LARGE`, `OVERLOADED`, both for sets only
   */
  read(bucket: string, key: string): Soon<Uint8Array | undefined>;
  /** @throws `POLICY` where values do not stand side by side */
  siblings(bucket: string, key: string): Siblings;
  /**
   * One commit; resolves when it is as durable as configured. One result for each op, in order.
   *
   * In a bucket of sets only deletes are taken. One removes the members that its set has here, in a commit for each 1,000 of
   * them, one after the other: after an error or a crash in between some are gone and some are left.
   */
  write(bucket: string, ops: readonly WriteOp[]): Promise<WriteResult[]>;
  /** @param by a safe integer, negative to decrement. @throws `VALUE_INVALID` when the sum would not be one */
  increment(bucket: string, key: string, by: number): Promise<Counted>;
  /** One commit; resolves with how many of them were no members before. */
  addMembers(bucket: string, key: string, members: readonly string[]): Promise<number>;
  /** One commit; resolves with how many of them were members. */
  removeMembers(bucket: string, key: string, members: readonly string[]): Promise<number>;
  /** The members of a set in the order of their UTF-8 bytes. */
  members(bucket: string, key: string, range: MemberRange): Page<string>;
  /** The keys of a bucket in the order of their UTF-8 bytes. @throws `VALUE_TOO_LARGE`, `OVERLOADED`, both for sets only */
  scan(bucket: string, range: ScanRange): Soon<Page<Row>>;
  /**
   * Calls `listener` after each change of a key that starts with `prefix`; returns the way to stop it. When the disk fails
   * it ends by itself, with `DISK_FULL` or `DISK_FAILED`: changes that were told of may be undone.
   */
  watch(
    bucket: string,
    prefix: string,
    listener: (change: RowChange) => void,
    ended: (error: RumeurError) => void,
  ): () => void;
  /** Where what stands under a key came from. */
  explain(bucket: string, key: string): Explanation;
  buckets(): Record<string, BucketInfo>;
  /** @throws `ARGUMENT_INVALID` for what is no peer's url */
  addPeer(url: string): Promise<void>;
  /** @throws `NOT_FOUND` for a peer that is not known */
  removePeer(urlOrId: string): Promise<void>;
  /** Tombstones no longer wait for this peer: it will not come back. @throws `NOT_FOUND` for a peer that is no member */
  evict(urlOrId: string): Promise<void>;
  /** Compares with every neighbour; resolves when all have answered or are late, so that `status` tells how things stand. */
  compare(): Promise<SyncCheck>;
  /**
   * Compares data with linked peers entry by entry, bucket by bucket and one after the other, and changes nothing.
   * @throws `NOT_FOUND` for a peer that is not known, `PEER_UNREACHABLE` for one without a link, `OVERLOADED`
   */
  verify(options?: VerifyOptions): Promise<BucketComparison[]>;
  getPeers(): PeerInfo[];
  status(): Status;
}
