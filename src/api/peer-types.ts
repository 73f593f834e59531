import type { BucketPolicy } from './bucket-policy.js';
import type { ExplainedWrite, ReplacedWrite } from './explanation.js';

/** JSON: what a value may be. */
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };

/**
 * `T` where JSON carries it, with every member `never` that it does not carry: so that values with a type of their own,
 * such as an interface, can be written as they are.
 */
export type AsJson<T> = T extends Json
  ? T
  : T extends (...args: never[]) => unknown
    ? never
    : T extends object
      ? { [K in keyof T]: AsJson<T[K]> }
      : never;

/** What `Peer.open` takes beside the config. */
export interface OpenOptions {
  /** The wall clock, milliseconds since 1970. Default `Date.now`; tests put a wrong one here. */
  readonly clock?: () => number;
}

/** Which bucket a call works on. */
export interface BucketOption {
  /** Default `default`. */
  readonly bucket?: string;
}

/** How a value is written or deleted. */
export interface WriteOptions extends BucketOption {
  /**
   * In a bucket of siblings: the `context` of a read, all of whose values this write replaces; values that came later stay
   * beside it. Without one, a write replaces whatever this peer holds.
   */
  readonly context?: string;
}

/** Which keys of a bucket. */
export interface RangeOptions extends BucketOption {
  /** Only keys that start with this text. Default: all. */
  readonly prefix?: string;
  /** Only keys above this one. */
  readonly after?: string;
}

/** The identity of a write: `origin.seq`, and its stamp as 16 hex digits. */
export interface Written {
  readonly dot: string;
  readonly stamp: string;
}

/** What became of a `delete`; dot and stamp are there when something was deleted. */
export interface Deleted extends Partial<Written> {
  /** Whether there was something to delete. */
  readonly found: boolean;
}

/** A key with its value and the greatest write that it is made of. */
export interface KeyValue<T = Json> extends Written {
  readonly key: string;
  readonly value: T;
}

/** The values that stand side by side under a key, ascending by stamp. */
export interface SiblingValues<T = Json> {
  readonly values: readonly (Written & { readonly value: T })[];
  /** What a write must name to replace exactly these; `undefined` when nothing was ever written there. */
  readonly context: string | undefined;
}

/**
 * A change of one key: its new value, or `deleted`; in a bucket of sets the `member` that came or went. `siblings` is how
 * many values stand side by side, where there are several; `value` is the greatest of them.
 */
export type PeerChange<T = Json> = Written & { readonly bucket: string; readonly key: string } & (
    | {
        readonly value: T;
        readonly siblings?: number;
        readonly deleted?: never;
        readonly member?: never;
        readonly added?: never;
      }
    | { readonly deleted: true; readonly value?: never; readonly member?: never; readonly added?: never }
    | {
        readonly member: string;
        readonly added: boolean;
        readonly value?: never;
        readonly deleted?: never;
      }
  );

/** What stands under a key, what it replaced, and where all of it came from. */
export interface KeyExplanation<T = Json> {
  readonly bucket: string;
  readonly key: string;
  readonly policy: BucketPolicy;
  /** Ascending by stamp, deletes too; of a set by member, 100 members at most. Empty when nothing is known of the key. */
  readonly writes: readonly (ExplainedWrite &
    ({ readonly value: T; readonly deleted?: never } | { readonly deleted: true; readonly value?: never }))[];
  /** The last few since this peer's start, the last first. */
  readonly replaced: readonly ReplacedWrite[];
  /** Whether a set has more members. */
  readonly more: boolean;
}
