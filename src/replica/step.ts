import type { RumeurError } from '../base/errors.js';
import type { BucketName, LinkId, PeerId } from '../base/ids.js';
import type { Cell } from '../data/cell.js';
import type { Entry } from '../data/entry.js';
import type { LocalOp } from '../data/op.js';
import type { Batch } from './batch.js';
import type { Comparison } from './comparison.js';

/** One local write, or several in one commit: all of `ops` or, with an error, none. */
export interface LocalWrite {
  /** Chosen by the caller; comes back in the reply. */
  readonly request: number;
  readonly bucket: BucketName;
  readonly ops: readonly LocalOp[];
}

/** Everything that can happen to a replica. Inputs of the same kind that arrived together come together. */
export type Input =
  | { readonly kind: 'writes'; readonly writes: readonly LocalWrite[] }
  | { readonly kind: 'received'; readonly messages: readonly Received[] }
  | {
      readonly kind: 'linkOpened';
      readonly link: LinkId;
      readonly direction: 'in' | 'out';
      readonly remote: string;
      readonly url?: string;
    }
  | { readonly kind: 'linkClosed'; readonly link: LinkId; readonly reason: string }
  | { readonly kind: 'dialFailed'; readonly url: string; readonly reason: string }
  | { readonly kind: 'addPeer'; readonly request: number; readonly url: string }
  | { readonly kind: 'removePeer'; readonly request: number; readonly target: string }
  /** A peer will not come back: it holds back no tombstones any more. */
  | { readonly kind: 'evict'; readonly request: number; readonly target: string }
  /** Compares with every neighbour now; the reply comes when all have answered or time is up. */
  | { readonly kind: 'compare'; readonly request: number }
  /** Compares one bucket, or each, with one linked peer, or with each, entry by entry; nothing is changed. */
  | {
      readonly kind: 'verify';
      readonly request: number;
      /** A peer id, or a canonical url. */
      readonly target?: string;
      readonly bucket?: BucketName;
    }
  /** A read outside the replica found that the row of this key is damaged. */
  | { readonly kind: 'damaged'; readonly bucket: BucketName; readonly key: string }
  /** The store has met damaged rows of indexes or sums, which it passes over: of this bucket, or nobody can say of which. */
  | { readonly kind: 'unsound'; readonly bucket?: BucketName }
  /** Everything persisted up to the step with this mark is on the disk. */
  | { readonly kind: 'flushed'; readonly mark: number }
  /** The time that the last step asked for has come. */
  | { readonly kind: 'wake' }
  /** The process is about to leave. */
  | { readonly kind: 'leave' };

export interface Received {
  readonly link: LinkId;
  readonly bytes: Uint8Array;
}

/** What a request has come to. */
export interface Reply {
  readonly request: number;
  readonly outcome: Outcome | RumeurError;
}

/** One result for each op of a write, what `verify` has found, or nothing but that it is done. */
export type Outcome =
  | { readonly kind: 'written'; readonly results: readonly OpResult[] }
  | { readonly kind: 'verified'; readonly comparisons: readonly Comparison[] }
  /** `silent`, of a comparison: how many neighbours did not answer in time; absent when all did. */
  | { readonly kind: 'done'; readonly silent?: number };

/** `found`: a live value stood there before. `entry` is absent when nothing was written. */
export interface OpResult {
  readonly found: boolean;
  readonly entry?: Entry;
  /** What stands under the key now. */
  readonly cell: Cell;
}

/** Who a write came from, and how. */
export interface Source {
  readonly peer: PeerId;
  readonly how: 'push' | 'delta' | 'repair';
}

/** A key whose live content has changed. */
export interface Change {
  readonly bucket: BucketName;
  /** The write that came; where one was taken out without another in its place, that one. */
  readonly entry: Entry;
  /** What stood under the key until then. */
  readonly before: Cell;
  /** What stands under the key now. */
  readonly cell: Cell;
  /** Absent for what was written here. */
  readonly from: Source | undefined;
}

/** The two times of an input. Deadlines live on the monotonic one, so that a wall clock that jumps stops nothing. */
export interface Now {
  /** Milliseconds since some moment; never goes back. */
  readonly mono: number;
  /** Milliseconds since 1970 by this machine's wall clock, right or wrong. */
  readonly wall: number;
}

/** Something that people should read in the log. */
export interface Note {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** A stable name for machines. */
  readonly event: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/**
 * What is to be done, in this order: persist (what follows may rely on it), send, close, dial, reply (as durable as
 * configured), tell watchers, log, and come back with `wake` at `wakeAt`.
 */
export interface Step {
  readonly persist: Batch | undefined;
  readonly sends: readonly { readonly link: LinkId; readonly bytes: Uint8Array }[];
  readonly closes: readonly { readonly link: LinkId; readonly reason: string }[];
  readonly dials: readonly string[];
  readonly replies: readonly Reply[];
  readonly changes: readonly Change[];
  readonly notes: readonly Note[];
  /** When given, `flushed` with this mark is to follow once all that was persisted up to this step is on the disk. */
  readonly flushMark: number | undefined;
  /** On the monotonic clock; in the past means at once, infinite never. */
  readonly wakeAt: number;
}
