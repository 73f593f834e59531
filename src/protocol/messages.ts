import type { BucketName, OriginId, PeerId, SessionId } from '../base/ids.js';
import type { Dot } from '../data/dot.js';
import type { EntryWithoutDigest } from '../data/entry.js';
import type { Stamp } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';
import type { MemberMark, MemberRecord } from './members.js';

/** The hashes of one bucket: 16 bytes each. Equal vector hashes mean that both cover the same dots. */
export interface BucketDigest {
  readonly bucket: BucketName;
  readonly vectorHash: Uint8Array;
  readonly stateHash: Uint8Array;
}

/** The first message on a link, in both directions. */
export interface Hello {
  readonly type: 'hello';
  readonly protocol: readonly [min: number, max: number];
  readonly cluster: string;
  readonly peer: PeerId;
  readonly session: SessionId;
  readonly name: string;
  /** Where others reach this peer; `null` when it cannot be dialled. */
  readonly url: string | null;
  /** The sender's wall clock, milliseconds since 1970. */
  readonly clock: number;
  /** The software's version, for people. */
  readonly version: string;
  readonly buckets: readonly (BucketDigest & { readonly policy: string })[];
  /** The sender's links to other peers. */
  readonly links: number;
  /** How many live peers it knows, where these are too many to be linked to all; else 0. */
  readonly crowd: number;
}

/** The last message on a link: why it ends. */
export interface Goodbye {
  readonly type: 'goodbye';
  /** `LEAVING`, `DUPLICATE` or an error code. */
  readonly code: string;
  readonly reason: string;
}

/** New writes of one origin, in the order of their seqs: seqs lo to hi, perhaps with gaps. */
export interface Push {
  readonly type: 'push';
  /** The links that it has come over, this one included: 1 straight from its writer, at most 127. 0, not counted: it was asked for. */
  readonly hops: number;
  readonly bucket: BucketName;
  readonly origin: OriginId;
  readonly lo: number;
  readonly hi: number;
  /** The packed operations; `unpackOps` opens it when something in it is news. */
  readonly body: Uint8Array;
}

/** News that the sender covers and has not pushed to the receiver. */
export interface Have {
  readonly type: 'have';
  readonly buckets: readonly (readonly [BucketName, VersionVector])[];
  /** It is too large to be pushed unasked: whoever lacks it is to ask at once. */
  readonly onRequest: boolean;
}

/** Asks for what the sender lacks. Answered by pushes, or not at all where nothing of it stands any more. */
export interface Graft {
  readonly type: 'graft';
  readonly buckets: readonly (readonly [BucketName, VersionVector])[];
  /** Whether further writes of these origins are to be pushed from now on. */
  readonly eager: boolean;
}

/** Writes of these origins come to the sender from elsewhere: they are to be announced only. */
export interface Prune {
  readonly type: 'prune';
  readonly origins: readonly OriginId[];
}

/** Opens a round of anti-entropy. Answered by `same` or by `vectors`. */
export interface Digest {
  readonly type: 'digest';
  readonly round: number;
  readonly buckets: readonly BucketDigest[];
  /** The hash of the sender's member records: the sum of 16 bytes over each mark. */
  readonly membersHash: Uint8Array;
}

export interface Same {
  readonly type: 'same';
  readonly round: number;
}

/** The version vectors of the buckets that differ. */
export interface Vectors {
  readonly type: 'vectors';
  /** Whether the receiver is asked for its own in return. */
  readonly reply: boolean;
  readonly buckets: readonly (readonly [BucketName, VersionVector])[];
  /** They are only the rows that have changed since the sender's last vectors of these buckets on this link. */
  readonly changes?: true;
}

export interface DeltaRequest {
  readonly type: 'deltaRequest';
  readonly request: number;
  readonly bucket: BucketName;
  readonly vector: VersionVector;
  /** What the requester has dropped tombstones of (rule 6). */
  readonly floor: VersionVector;
  /** The requester's clock plus its drift bound, milliseconds: no entry beyond it is wanted (rule 8). */
  readonly horizon: number;
  /** How many chunks may be sent before more credit comes. */
  readonly credit: number;
  /** What the requester has lost by damage and hopes to get back by this: some of it, where it is much (rule 15). */
  readonly missing?: readonly MissingEntry[];
}

/** What is known of an entry that was lost. */
export interface MissingEntry extends Dot {
  readonly key: string;
  /** 0: not known. */
  readonly stamp: Stamp;
}

export interface Chunk {
  readonly type: 'chunk';
  readonly request: number;
  /** 0, 1, 2, ... within the request. */
  readonly n: number;
  /** Superseders first: greatest write first, within each origin seqs strictly fall; under `fww` the other way round. */
  readonly entries: readonly EntryWithoutDigest[];
  /** What the receiver covers when it has applied the entries. */
  readonly claims: VersionVector;
  /**
   * Entries were skipped (rule 8), or the sender is damaged: only the dots of the entries are covered. `claims` is empty
   * but for what the request named as missing (rule 15).
   */
  readonly exact: boolean;
  readonly last: boolean;
  /** With `exact`: the physical time of the least stamp that was skipped, milliseconds; else 0. */
  readonly heldUntil: number;
  /** The greatest stamp that the sender has seen, those of tombstones included that are gone. */
  readonly seenUpTo: Stamp;
}

export interface Credit {
  readonly type: 'credit';
  readonly request: number;
  readonly chunks: number;
}

/** Ends a delta from either side. */
export interface Cancel {
  readonly type: 'cancel';
  readonly request: number;
  readonly reason: string;
}

/** Ends a delta: the requester is below the sender's floor, and reconciles first (rule 6). */
export interface Below {
  readonly type: 'below';
  readonly request: number;
}

/** A block of dots: seqs from `index << RANGE_SHIFTS[level]`. */
export interface RangeBlock {
  readonly origin: OriginId;
  readonly level: number;
  readonly index: number;
}

/**
 * Range reconciliation, from the side that may have to shed: the sums of blocks of its live entries. Answered by
 * `differ`. The first of a session asks for the other side's vector and floor of that very turn.
 */
export interface Compare {
  readonly type: 'compare';
  /** The session. */
  readonly request: number;
  /** 0, 1, 2, ... within the session, listings included. */
  readonly n: number;
  readonly bucket: BucketName;
  /** `sum`: the first 8 bytes of the block's sum. */
  readonly blocks: readonly (RangeBlock & { readonly sum: Uint8Array })[];
}

export interface Differ {
  readonly type: 'differ';
  readonly request: number;
  readonly n: number;
  /** The places, in the list of the question, of the blocks whose sums differ here; ascending. */
  readonly blocks: readonly number[];
  /** In the answer to the first question of a session: what this side covers and what it dropped tombstones of. */
  readonly start: { readonly vector: VersionVector; readonly floor: VersionVector } | null;
}

/** One live entry of the asker. */
export interface ListedEntry {
  readonly origin: OriginId;
  readonly seq: number;
  readonly stamp: Stamp;
  readonly key: string;
  /** The first 8 bytes of its digest. */
  readonly digest: Uint8Array;
}

/** The asker's live entries in blocks that differ. Answered by `answer`. */
export interface Listing {
  readonly type: 'listing';
  readonly request: number;
  readonly n: number;
  readonly bucket: BucketName;
  readonly items: readonly ListedEntry[];
}

/** What the answerer has to say of a listing, all of one turn (rule 13). */
export interface Answer {
  readonly type: 'answer';
  readonly request: number;
  readonly n: number;
  /** Places in the listing of the entries that it covers and does not hold, nor anything that supersedes them: to be dropped. */
  readonly drop: readonly number[];
  /** What stands here under the keys of other listed entries that it does not hold. */
  readonly entries: readonly EntryWithoutDigest[];
  /** How many of the listed entries, from the first, were answered; at least one. The others are to be listed again. */
  readonly answered: number;
}

/** What member records the sender has; asks for newer ones and is answered with them. */
export interface Roster {
  readonly type: 'roster';
  /** Whether these are all; else those that changed since the sender's last roster on this link. */
  readonly full: boolean;
  readonly members: readonly MemberMark[];
}

export interface Members {
  readonly type: 'members';
  readonly records: readonly MemberRecord[];
}

export interface Ping {
  readonly type: 'ping';
  readonly id: number;
  readonly clock: number;
}

export interface Pong {
  readonly type: 'pong';
  readonly id: number;
  readonly clock: number;
}

export interface Address {
  readonly url: string;
  readonly id: PeerId;
  readonly name: string;
}

/** Addresses at which the sender has met peers. */
export interface Peers {
  readonly type: 'peers';
  readonly addresses: readonly Address[];
}

/**
 * Asks a neighbour whether it still hears a peer that does not answer us. Answered by `probed`. (SWIM's indirect probe:
 * Das, Gupta and Motivala, 2002; here over the links that there are.)
 */
export interface Probe {
  readonly type: 'probe';
  readonly id: number;
  readonly peer: PeerId;
}

export interface Probed {
  readonly type: 'probed';
  readonly id: number;
  readonly peer: PeerId;
  /** How long ago something came from that peer, milliseconds; `null`: the sender has had no link to it of late. */
  readonly heardMsAgo: number | null;
}

/**
 * A few addresses that the sender of old knows, its own first, on a random walk over `hops` more links: whoever it ends at
 * answers with as many. (HyParView's shuffle: Leitão, Pereira and Rodrigues, 2007.)
 */
export interface Shuffle {
  readonly type: 'shuffle';
  readonly id: number;
  readonly hops: number;
  /** As in HELLO, of the neighbour that sends it. */
  readonly crowd: number;
  readonly addresses: readonly Address[];
}

/** The answer, on the way back. */
export interface Shuffled {
  readonly type: 'shuffled';
  readonly id: number;
  readonly crowd: number;
  readonly addresses: readonly Address[];
}

/** All bytes received on this link so far: the sender's credit. */
export interface Ack {
  readonly type: 'ack';
  readonly bytes: number;
}

export type Message =
  | Hello
  | Goodbye
  | Push
  | Have
  | Graft
  | Prune
  | Digest
  | Same
  | Vectors
  | DeltaRequest
  | Chunk
  | Credit
  | Cancel
  | Below
  | Compare
  | Differ
  | Listing
  | Answer
  | Roster
  | Members
  | Ping
  | Pong
  | Peers
  | Ack
  | Probe
  | Probed
  | Shuffle
  | Shuffled;
