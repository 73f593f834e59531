import type { BucketName, OriginId, PeerId } from '../base/ids.js';
import type { Dot } from '../data/dot.js';
import type { Entry } from '../data/entry.js';
import type { Intervals } from '../data/intervals.js';
import type { Stamp } from '../data/stamp.js';
import type { AddressRecord } from '../protocol/address-book.js';

/** Everything one turn of the replica changes; the store applies it in one transaction, whole or not at all. */
export interface Batch {
  /**
   * Entries to write, in order: each replaces what stands under its key. The store adds the entry's row to the
   * dot index and removes the row of `replaces`.
   */
  readonly puts: readonly Put[];
  /** The new intervals of each origin that changed. */
  readonly vectors: readonly VectorRow[];
  /** The new totals of each bucket that changed. */
  readonly totals: readonly Totals[];
  /** The clock's last stamp, when it changed. It goes back only together with a new `origin`. */
  readonly clock?: Stamp;
  /** The origin under which this store writes from now on, when it changed. */
  readonly origin?: OriginId;
  /** The whole address book, when it changed: a few hundred rows at most. */
  readonly addresses?: readonly AddressRecord[];
}

export interface Put {
  readonly bucket: BucketName;
  readonly entry: Entry;
  readonly replaces: Dot | undefined;
}

export interface VectorRow {
  readonly bucket: BucketName;
  readonly origin: OriginId;
  readonly intervals: Intervals;
}

export interface Totals {
  readonly bucket: BucketName;
  /** Live keys, tombstones not counted. */
  readonly keys: number;
  /** The 16 bytes of the order-independent hash of the live entries. */
  readonly hash: Uint8Array;
}

/** What a store knows when it is opened. */
export interface StoredState {
  readonly peerId: PeerId;
  readonly origin: OriginId;
  readonly clock: Stamp;
  readonly buckets: ReadonlyMap<BucketName, StoredBucket>;
  readonly addresses: readonly AddressRecord[];
}

export interface StoredBucket {
  readonly vector: readonly (readonly [OriginId, Intervals])[];
  readonly keys: number;
  readonly hash: Uint8Array;
}
