import type { RumeurError } from '../base/errors.js';
import type { BucketName, LinkId } from '../base/ids.js';
import type { Entry } from '../data/entry.js';
import type { Batch } from './batch.js';

/** One local write, or several in one commit: all of `ops` or, with an error, none. */
export interface LocalWrite {
  /** Chosen by the caller; comes back in the reply. */
  readonly request: number;
  readonly bucket: BucketName;
  readonly ops: readonly LocalOp[];
}

export interface LocalOp {
  readonly key: string;
  /** Valid JSON text as UTF-8; `null` deletes. */
  readonly value: Uint8Array | null;
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
  /** The time that the last step asked for has come. */
  | { readonly kind: 'wake' }
  /** The process is about to leave. */
  | { readonly kind: 'leave' };

export interface Received {
  readonly link: LinkId;
  readonly bytes: Uint8Array;
}

/** The outcome of a request: one result for each op of a write, none for the others. */
export interface Reply {
  readonly request: number;
  readonly outcome: readonly OpResult[] | RumeurError;
}

/** `found`: a live value stood there before. `entry` is absent when nothing was written. */
export interface OpResult {
  readonly found: boolean;
  readonly entry?: Entry;
}

export interface Change {
  readonly bucket: BucketName;
  readonly entry: Entry;
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
  /** On the monotonic clock; in the past means at once, infinite never. */
  readonly wakeAt: number;
}
