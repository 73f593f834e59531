import type { BucketName, OriginId, PeerId } from '../base/ids.js';
import type { Cell } from '../data/cell.js';
import type { Dot } from '../data/dot.js';
import type { Intervals } from '../data/intervals.js';
import type { Stamp } from '../data/stamp.js';
import type { AddressRecord } from '../protocol/address-book.js';
import type { MemberRecord } from '../protocol/members.js';
import type { RangeLevel } from './view.js';

/** Everything one turn of the replica changes; the store applies it in one transaction, whole or not at all. */
export interface Batch {
  /** Cells to write, one for each key. */
  readonly puts: readonly Put[];
  /** The new intervals of each origin that changed; an empty list takes the origin out. */
  readonly vectors: readonly VectorRow[];
  /** The same for the floors: what the bucket has dropped tombstones of (rule 11). */
  readonly floors: readonly VectorRow[];
  /** The new totals of each bucket that changed. */
  readonly totals: readonly Totals[];
  /** The damage marks that changed (rule 15). */
  readonly damages: readonly Damages[];
  /** What sums of blocks hold too much: damage took entries out whose digests nobody can read any more. */
  readonly sums?: readonly SumExcess[];
  /** The member records that changed. */
  readonly members: readonly MemberRecord[];
  /** The members whose records are taken out, where there are any; none of them is in `members`. */
  readonly forgotten?: readonly PeerId[];
  /** The clock's last stamp, when it changed. It goes back only together with a new `origin`. */
  readonly clock?: Stamp;
  /** The origin under which this store writes from now on, when it changed. */
  readonly origin?: OriginId;
  /** The whole address book, when it changed: a few hundred rows at most. */
  readonly addresses?: readonly AddressRecord[];
}

/**
 * What stands under a key after a change, and what stood before: the store keeps the cell (an empty one is removed) and
 * brings the dot index, the index of tombstones and the range sums up to date for the entries that came and went.
 */
export interface Put {
  readonly bucket: BucketName;
  readonly key: string;
  readonly before: Cell;
  readonly after: Cell;
}

export interface VectorRow {
  readonly bucket: BucketName;
  readonly origin: OriginId;
  readonly intervals: Intervals;
}

export interface Totals {
  readonly bucket: BucketName;
  /** Live keys, those with only tombstones not counted. */
  readonly keys: number;
  /** Standing tombstones. */
  readonly tombstones: number;
  /** The greatest stamp of a tombstone that was ever dropped here; 0 when none was. */
  readonly droppedUpTo: Stamp;
  /** The 16 bytes of the order-independent hash of the live entries. */
  readonly hash: Uint8Array;
}

/** A row that was damaged: the dot is uncovered, and the key waits for its entry (rule 15). */
export interface DamageMark extends Dot {
  readonly key: string;
  /** Absent where an earlier version set the mark. */
  readonly stamp?: Stamp;
}

export interface Damages {
  readonly bucket: BucketName;
  readonly set: readonly DamageMark[];
  readonly cleared: readonly Dot[];
  /** Cells, indexes and sums are to be compared: rows may be missing that are not marked. */
  readonly isUnsettled: boolean;
}

/** Of the sum of one block of dots. */
export interface SumExcess {
  readonly bucket: BucketName;
  readonly origin: OriginId;
  readonly level: RangeLevel;
  readonly index: number;
  /** 16 bytes, as `Fingerprint.toBytes`: taken away from the sum. */
  readonly sum: Uint8Array;
}

/** What a store knows when it is opened. */
export interface StoredState {
  readonly peerId: PeerId;
  readonly origin: OriginId;
  readonly clock: Stamp;
  readonly buckets: ReadonlyMap<BucketName, StoredBucket>;
  readonly addresses: readonly AddressRecord[];
  readonly members: readonly MemberRecord[];
}

export interface StoredBucket extends Omit<Totals, 'bucket'> {
  readonly vector: readonly (readonly [OriginId, Intervals])[];
  readonly floor: readonly (readonly [OriginId, Intervals])[];
  readonly damages: readonly DamageMark[];
  /** As in `Damages`. */
  readonly isUnsettled?: boolean;
}
