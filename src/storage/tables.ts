import sortedBTree from 'sorted-btree';
import { compareUtf8 } from '../base/bytes.js';
import type { BucketName, OriginId } from '../base/ids.js';
import type { Entry } from '../data/entry.js';
import type { Intervals } from '../data/intervals.js';
import type { Stamp } from '../data/stamp.js';
import type { AddressRecord } from '../protocol/address-book.js';
import type { Batch, Put, Totals } from '../replica/batch.js';
import type { DotRow, KeyRange } from '../replica/view.js';

type SortedMap<K, V> = sortedBTree.default<K, V>;
const SortedMap = sortedBTree.default;

/** A place in the dot index: `row` is `undefined` where a row was taken out. */
export interface DotSlot {
  readonly seq: number;
  readonly row: DotRow | undefined;
}

export interface BucketTables {
  readonly entries: SortedMap<string, Entry>;
  readonly dots: Map<OriginId, SortedMap<number, DotRow | undefined>>;
  readonly vector: Map<OriginId, Intervals>;
  totals: Totals | undefined;
}

/**
 * - `drop`: the tables are all there is; a removed row of the dot index is gone.
 * - `mark`: the tables lie over others; a removed row stays as a mark that hides the row below.
 */
export type Removal = 'drop' | 'mark';

/** What batches have changed, in memory: the whole state of one store, or the layer above another one. */
export class Tables {
  readonly buckets = new Map<BucketName, BucketTables>();
  clock: Stamp | undefined;
  origin: OriginId | undefined;
  addresses: readonly AddressRecord[] | undefined;
  readonly #removal: Removal;

  constructor(removal: Removal) {
    this.#removal = removal;
  }

  /** A copy that shares nothing changeable: the trees are copied on write. */
  clone(): Tables {
    const copy = new Tables(this.#removal);
    copy.clock = this.clock;
    copy.origin = this.origin;
    copy.addresses = this.addresses;
    for (const [name, { entries, dots, vector, totals }] of this.buckets) {
      const dotsCopy = new Map([...dots].map(([origin, rows]) => [origin, rows.clone()] as const));
      copy.buckets.set(name, { entries: entries.clone(), dots: dotsCopy, vector: new Map(vector), totals });
    }
    return copy;
  }

  apply(batch: Batch): void {
    for (const put of batch.puts) this.#put(put);
    for (const { bucket, origin, intervals } of batch.vectors)
      this.#bucket(bucket).vector.set(origin, intervals);
    for (const totals of batch.totals) this.#bucket(totals.bucket).totals = totals;
    if (batch.clock !== undefined) this.clock = batch.clock;
    if (batch.origin !== undefined) this.origin = batch.origin;
    if (batch.addresses !== undefined) this.addresses = batch.addresses;
  }

  #put({ bucket, entry, replaces }: Put): void {
    const tables = this.#bucket(bucket);
    tables.entries.set(entry.key, entry);
    if (replaces !== undefined) {
      const rows = dotsOf(tables, replaces.origin);
      if (this.#removal === 'mark') rows.set(replaces.seq, undefined);
      else rows.delete(replaces.seq);
    }
    dotsOf(tables, entry.origin).set(entry.seq, entry);
  }

  #bucket(name: BucketName): BucketTables {
    let tables = this.buckets.get(name);
    if (tables === undefined) {
      const entries = new SortedMap<string, Entry>(undefined, compareUtf8);
      tables = { entries, dots: new Map(), vector: new Map(), totals: undefined };
      this.buckets.set(name, tables);
    }
    return tables;
  }

  get(bucket: BucketName, key: string): Entry | undefined {
    return this.buckets.get(bucket)?.entries.get(key);
  }

  /** Ascending in the order of the keys' bytes. */
  *entries(bucket: BucketName, range: KeyRange): Generator<Entry, undefined, undefined> {
    const { prefix = '', after = '' } = range;
    const low = compareUtf8(after, prefix) > 0 ? after : prefix;
    for (const [key, entry] of this.buckets.get(bucket)?.entries.entries(low) ?? []) {
      if (!key.startsWith(prefix)) return undefined;
      if (key !== after) yield entry;
    }
    return undefined;
  }

  /** Descending by seq, marks of removed rows included. */
  *dots(
    bucket: BucketName,
    origin: OriginId,
    lo: number,
    hi: number,
  ): Generator<DotSlot, undefined, undefined> {
    const rows = this.buckets.get(bucket)?.dots.get(origin);
    for (const [seq, row] of rows?.entriesReversed(hi) ?? []) {
      if (seq < lo) return undefined;
      yield { seq, row };
    }
    return undefined;
  }
}

function dotsOf(tables: BucketTables, origin: OriginId): SortedMap<number, DotRow | undefined> {
  let rows = tables.dots.get(origin);
  if (rows === undefined) {
    rows = new SortedMap<number, DotRow | undefined>(undefined, (a, b) => a - b);
    tables.dots.set(origin, rows);
  }
  return rows;
}
