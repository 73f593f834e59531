import type { BucketName, OriginId } from '../base/ids.js';
import type { Entry } from '../data/entry.js';
import type { Stamp } from '../data/stamp.js';

/** A row of the dot index: which standing entry a dot belongs to. */
export interface DotRow {
  readonly seq: number;
  readonly stamp: Stamp;
  readonly key: string;
}

export interface KeyRange {
  /** Only keys that start with this text. */
  readonly prefix?: string;
  /** Only keys above this one. */
  readonly after?: string;
}

/**
 * The replica's synchronous read side of the store. Everything read in one turn comes from one state, which
 * includes every batch handed to `commit` so far. Iterators are used up or closed before the turn ends.
 */
export interface View {
  /** The standing entry under a key, tombstones included. */
  get(bucket: BucketName, key: string): Entry | undefined;
  /** The standing entries of an origin with lo <= seq <= hi, greatest seq first. */
  dots(bucket: BucketName, origin: OriginId, lo: number, hi: number): Iterable<DotRow>;
  /** Standing entries, tombstones included, in the order of the keys' UTF-8 bytes. */
  entries(bucket: BucketName, range: KeyRange): Iterable<Entry>;
}
