import type { PeerId } from '../base/ids.js';
import type { AddressSource } from '../protocol/address-book.js';
import type { Direction } from '../transport/transport.js';

/** One key to write: JSON text as UTF-8, already validated, or `null` to delete. */
export interface WriteOp {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** `found`: whether a live value stood under the key before. A delete that found nothing writes nothing. */
export interface WriteResult {
  readonly found: boolean;
  /** `origin.seq`, absent when nothing was written. */
  readonly dot?: string;
  /** 16 hex digits, absent when nothing was written. */
  readonly stamp?: string;
}

export interface Row {
  readonly key: string;
  /** JSON text as UTF-8. */
  readonly value: Uint8Array;
  readonly dot: string;
  readonly stamp: string;
}

export interface RowChange {
  readonly bucket: string;
  readonly key: string;
  /** JSON text as UTF-8; `null` when the key was deleted. */
  readonly value: Uint8Array | null;
  readonly dot: string;
  readonly stamp: string;
}

export interface ScanRange {
  readonly prefix?: string;
  /** Only keys above this one. */
  readonly after?: string;
  /** Rows at most. */
  readonly limit: number;
  /** Keys and values at most, in bytes; a first row that is larger comes all the same. Default: no bound. */
  readonly maxBytes?: number;
}

/** `connecting`: never met yet; `suspect`: met, no link now; `down`: three dials or more have failed. */
export type PeerState = 'connected' | 'connecting' | 'suspect' | 'down';

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

/** One bucket, as this peer holds it. */
export interface BucketStatus {
  /** Live keys. */
  keys: number;
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
  state: PeerState;
  /** Operations that it is known to have and we have not, and the other way round. */
  behind: number;
  ahead: number;
  /** Operations that crossed the present link, pushes and deltas apart; absent without a link. */
  traffic?: {
    pushesSent: number;
    pushesReceived: number;
    deltasSent: number;
    deltasReceived: number;
    rounds: number;
  };
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
  readOnly: boolean;
  buckets: Record<string, BucketStatus>;
  peers: PeerSync[];
  inSync: boolean;
  /** Until when writes from the future are held back (milliseconds since 1970), by bucket; only where some are. */
  heldUntil?: Record<string, number>;
  /** Counters since the start. */
  counters: Record<string, number>;
}

/**
 * What a running peer offers to its own process; the library, the Socket.IO events and later surfaces stand on it.
 * Every failure is a RumeurError. Keys and values are validated by the caller with `api/values.ts`.
 */
export interface PeerService {
  /** The JSON text under a key, `undefined` when there is none. @throws `BUCKET_UNKNOWN` */
  read(bucket: string, key: string): Uint8Array | undefined;
  /** One commit; resolves when it is as durable as configured. One result for each op, in order. */
  write(bucket: string, ops: readonly WriteOp[]): Promise<WriteResult[]>;
  /** `more`: a bound of the range ended it, and there are further rows. */
  scan(bucket: string, range: ScanRange): { rows: Row[]; more: boolean };
  /** Calls `listener` after each change of a key that starts with `prefix`; returns the way to stop it. */
  watch(bucket: string, prefix: string, listener: (change: RowChange) => void): () => void;
  /** @throws `ARGUMENT_INVALID` for what is no peer's url */
  addPeer(url: string): Promise<void>;
  /** @throws `NOT_FOUND` for a peer that is not known */
  removePeer(urlOrId: string): Promise<void>;
  getPeers(): PeerInfo[];
  status(): Status;
}
