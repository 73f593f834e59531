import type { BucketName, OriginId } from '../base/ids.js';
import type { Cell } from '../data/cell.js';
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

export type DotOrder = 'falling' | 'rising';

/** A level of `RANGE_SHIFTS`; 0 is the finest. */
export type RangeLevel = 0 | 1 | 2;

/** The sum of the digests of the live entries whose dots lie in one block; blocks without any have no row. */
export interface RangeRow {
  readonly index: number;
  /** 16 bytes, as `Fingerprint.toBytes`. */
  readonly sum: Uint8Array;
}

/**
 * The replica's synchronous read side of the store. Everything read in one turn comes from one state, which
 * includes every batch handed to `commit` so far. Iterators are used up or closed before the turn ends.
 *
 * Rows may be damaged: who reads an entry whose digest may matter checks it with `isSound`. A row that cannot be
 * read at all comes as an entry with an empty digest.
 */
export interface View {
  /** No row can be damaged: what is read are the very entries that were put. By default rows may be. */
  readonly isSafe?: boolean;
  /** What stands under a key, tombstones included; empty when nothing does. */
  get(bucket: BucketName, key: string): Cell;
  /** The standing entries of an origin with lo <= seq <= hi, by seq. */
  dots(bucket: BucketName, origin: OriginId, lo: number, hi: number, order: DotOrder): Iterable<DotRow>;
  /** The tombstones among them, rising by seq. */
  tombstones(bucket: BucketName, origin: OriginId, lo: number, hi: number): Iterable<DotRow>;
  /** The cells that are not empty, in the order of the keys' UTF-8 bytes. */
  cells(bucket: BucketName, range: KeyRange): Iterable<Cell>;
  /** The blocks of an origin with from <= index <= to that hold live entries, rising by index. */
  ranges(
    bucket: BucketName,
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Iterable<RangeRow>;
}
