import type { PeerId } from '../base/ids.js';
import type { BucketPolicy } from './bucket-policy.js';

/** A peer, where it is known. */
export interface PeerName {
  readonly id: PeerId;
  /** What people call it; `null` when it was not heard. */
  readonly name: string | null;
}

/** A write as `explain` tells of it. */
export interface ExplainedWrite {
  /** Of sets: the member that it added or removed. */
  readonly member?: string;
  readonly dot: string;
  readonly stamp: string;
  /** The time in the stamp, milliseconds since 1970. */
  readonly time: number;
  readonly origin: string;
  /** Which peer writes, or wrote, under that origin; `null` when nobody has told. */
  readonly peer: PeerName | null;
  /** How it came here; `null` when that was before this peer's start, or too long ago. */
  readonly came: ExplainedArrival | null;
}

/** When and how a write came to this peer. */
export interface ExplainedArrival {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `written` here, or sent by `peer`: at once (`push`), in catching up (`delta`) or when differences were repaired (`repair`). */
  readonly how: 'written' | 'push' | 'delta' | 'repair';
  readonly peer?: PeerName;
}

/** A write that stands. */
export interface StandingWrite extends ExplainedWrite {
  /** JSON text as UTF-8, `null` of a delete; of a counter the total of its origin. */
  readonly value: Uint8Array | null;
}

/** A write that stood here and was replaced. */
export interface ReplacedWrite extends ExplainedWrite {
  /** The beginning of the JSON text, up to 200 bytes; `null` of a delete. */
  readonly preview: string | null;
  /** Bytes of the whole text. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly replacedAt: number;
}

/** What stands under a key, what it replaced, and where all of it came from. */
export interface Explanation {
  readonly bucket: string;
  readonly key: string;
  readonly policy: BucketPolicy;
  /** Ascending by stamp, deletes too; of a set by member, 100 members at most. Empty when nothing is known of the key. */
  readonly writes: readonly StandingWrite[];
  /** The last few since this peer's start, the last first; not of sets as a whole. */
  readonly replaced: readonly ReplacedWrite[];
  /** Whether a set has more members. */
  readonly more: boolean;
}
