import { digest128, utf8 } from '../base/bytes.js';
import type { OriginId } from '../base/ids.js';
import type { Dot } from './dot.js';
import * as intervals from './intervals.js';
import { type Intervals, NO_INTERVALS } from './intervals.js';

/**
 * What a replica covers: for each origin the exact intervals of seqs (Parker et al. 1983; with exceptions as
 * in Malkhi and Terry, "Concise version vectors in WinFS", 2005). It is also the seen-set of messages.
 */
export class VersionVector {
  #origins: Map<OriginId, Intervals>;
  #hash: Uint8Array | undefined;
  /** The lengths of all interval lists together: two for each interval. Every push asks for it. */
  #bounds = 0;

  constructor(rows: Iterable<readonly [OriginId, Intervals]> = []) {
    this.#origins = new Map();
    for (const [origin, set] of rows) {
      if (set.length === 0) continue;
      this.#bounds += set.length - this.get(origin).length;
      this.#origins.set(origin, set);
    }
  }

  /** Exactly these dots; within an origin their seqs strictly fall or strictly rise. Linear time. */
  static ofDots(dots: Iterable<Dot>): VersionVector {
    const lists = new Map<OriginId, number[]>();
    for (const { origin, seq } of dots) {
      const list = lists.get(origin);
      if (list) list.push(seq);
      else lists.set(origin, [seq]);
    }
    return new VersionVector(
      [...lists].map(([origin, list]) => [origin, intervals.fromAscending(ascending(list))] as const),
    );
  }

  /** A copy; interval lists are shared, as they never change. */
  clone(): VersionVector {
    const copy = new VersionVector();
    copy.#origins = new Map(this.#origins);
    copy.#bounds = this.#bounds;
    copy.#hash = this.#hash;
    return copy;
  }

  /**
   * The rows that are others than in `former`, an earlier copy of this vector; `undefined` when a row of it is gone.
   * Linear in the number of origins, whatever their intervals.
   */
  changedSince(former: VersionVector): VersionVector | undefined {
    const changed = new VersionVector();
    let common = 0;
    for (const [origin, set] of this.#origins) {
      const before = former.#origins.get(origin);
      if (before !== undefined) common++;
      if (set !== before) changed.#set(origin, set);
    }
    return common === former.size ? changed : undefined;
  }

  /** Puts these rows in the place of those of the same origins, be they more or less. */
  replaceRows(rows: VersionVector): void {
    for (const [origin, set] of rows.#origins) this.#set(origin, set);
  }

  get size(): number {
    return this.#origins.size;
  }

  get(origin: OriginId): Intervals {
    return this.#origins.get(origin) ?? NO_INTERVALS;
  }

  entries(): IterableIterator<[OriginId, Intervals]> {
    return this.#origins.entries();
  }

  covers(dot: Dot): boolean {
    const set = this.#origins.get(dot.origin);
    return set !== undefined && intervals.has(set, dot.seq);
  }

  add(origin: OriginId, lo: number, hi: number): void {
    this.#set(origin, intervals.add(this.get(origin), lo, hi));
  }

  addAll(origin: OriginId, set: Intervals): void {
    this.#set(origin, intervals.union(this.get(origin), set));
  }

  merge(other: VersionVector): void {
    for (const [origin, set] of other.#origins) this.addAll(origin, set);
  }

  #set(origin: OriginId, set: Intervals): void {
    const former = this.get(origin);
    if (set.length === 0 || set === former) return;
    this.#bounds += set.length - former.length;
    this.#origins.set(origin, set);
    this.#hash = undefined;
  }

  /** Takes dots out again, which only a store that no longer holds them may do. */
  removeAll(origin: OriginId, set: Intervals): void {
    const former = this.get(origin);
    const rest = intervals.subtract(former, set);
    if (rest.length > 0) return this.#set(origin, rest);
    if (!this.#origins.delete(origin)) return;
    this.#bounds -= former.length;
    this.#hash = undefined;
  }

  /** What this vector covers and `other` does not. */
  minus(other: VersionVector): VersionVector {
    const rest = new VersionVector();
    for (const [origin, set] of this.#origins) rest.#set(origin, intervals.subtract(set, other.get(origin)));
    return rest;
  }

  /** What this vector and `other` both cover. */
  intersect(other: VersionVector): VersionVector {
    return this.minus(this.minus(other));
  }

  /** Whether everything covered here is covered by `other`. */
  within(other: VersionVector): boolean {
    for (const [origin, set] of this.#origins) {
      if (intervals.subtract(set, other.get(origin)).length > 0) return false;
    }
    return true;
  }

  /** Whether both cover the same. It ends at the first row that differs, and lists that clones share cost nothing. */
  equals(other: VersionVector): boolean {
    if (this.size !== other.size || this.#bounds !== other.#bounds) return false;
    for (const [origin, set] of this.#origins) if (!intervals.equal(set, other.get(origin))) return false;
    return true;
  }

  /** How many dots are covered. */
  count(): number {
    let total = 0;
    for (const set of this.#origins.values()) total += intervals.count(set);
    return total;
  }

  /** How many intervals there are, over all origins: the vector's size in memory and on the wire. */
  intervalCount(): number {
    return this.#bounds / 2;
  }

  /** 16 bytes over the canonical form: `origin:lo-hi,lo-hi;` of each origin, in the order of the origins. */
  hash(): Uint8Array {
    this.#hash ??= digest128(utf8(this.toText()));
    return this.#hash;
  }

  toText(): string {
    let text = '';
    for (const origin of [...this.#origins.keys()].sort()) {
      const set = this.get(origin);
      text += `${origin}:`;
      for (let i = 0; i < set.length; i += 2) text += `${i > 0 ? ',' : ''}${set[i] ?? 0}-${set[i + 1] ?? 0}`;
      text += ';';
    }
    return text;
  }
}

const ascending = (list: number[]): number[] =>
  (list[0] as number) > (list[list.length - 1] as number) ? list.reverse() : list;
