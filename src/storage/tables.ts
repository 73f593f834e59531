import { compareUtf8 } from '../base/bytes.js';
import type { BucketName, OriginId, PeerId } from '../base/ids.js';
import { type Cell, isLive, without } from '../data/cell.js';
import { type Dot, dotToText } from '../data/dot.js';
import type { Entry } from '../data/entry.js';
import type { Stamp } from '../data/stamp.js';
import type { AddressRecord } from '../protocol/address-book.js';
import type { MemberRecord } from '../protocol/members.js';
import type { Batch, Damages, Totals } from '../replica/batch.js';
import type { DotOrder, DotRow, KeyRange, RangeLevel } from '../replica/view.js';
import { type BucketTables, cloneBucket, emptyBucket } from './bucket-tables.js';
import type { DotSlot } from './dot-table.js';
import type { CellSlot, Source } from './layered-view.js';
import { RangeSums } from './range-sums.js';
import type { RangeSlot } from './range-table.js';
import { isUnreadable } from './unreadable.js';

/** The row of the dot index below a layer. */
export type RowBelow = (bucket: BucketName, origin: OriginId, seq: number) => DotRow | undefined;

/**
 * What batches have changed, in memory: the whole state of one store, or a layer above another one. In a layer an
 * empty cell and a removed row or record stay as marks that hide what is below, and range sums are differences.
 */
export class Tables implements Source {
  readonly buckets = new Map<BucketName, BucketTables>();
  readonly members = new Map<PeerId, MemberRecord | undefined>();
  clock: Stamp | undefined;
  origin: OriginId | undefined;
  addresses: readonly AddressRecord[] | undefined;
  readonly #below: RowBelow | undefined;

  /** @param below given for a layer */
  constructor(below?: RowBelow) {
    this.#below = below;
  }

  /** A copy that shares nothing changeable: the trees are copied on write. */
  clone(): Tables {
    const copy = new Tables(this.#below);
    copy.clock = this.clock;
    copy.origin = this.origin;
    copy.addresses = this.addresses;
    for (const [peer, record] of this.members) copy.members.set(peer, record);
    for (const [name, tables] of this.buckets) copy.buckets.set(name, cloneBucket(tables));
    return copy;
  }

  /** @param keep what is to be kept of a cell that is put: the same entries, or copies of them */
  apply(batch: Batch, keep: (cell: Cell) => Cell = (cell) => cell): void {
    const sums = new Map<BucketName, RangeSums>();
    for (const { bucket, key, before, after } of batch.puts)
      this.#put(bucket, key, before, keep(after), sumsOf(sums, bucket));
    for (const { bucket, origin, level, ...excess } of batch.sums ?? [])
      sumsOf(sums, bucket).subtract(origin, level, excess);
    for (const [bucket, differences] of sums) this.#bucket(bucket).ranges.add(differences);
    for (const { bucket, origin, intervals } of batch.vectors)
      this.#bucket(bucket).vector.set(origin, intervals);
    for (const { bucket, origin, intervals } of batch.floors)
      this.#bucket(bucket).floor.set(origin, intervals);
    for (const totals of batch.totals) this.#bucket(totals.bucket).totals = totals;
    for (const damages of batch.damages) this.#mark(damages);
    for (const record of batch.members) this.members.set(record.peer, ownRecord(record));
    for (const peer of batch.forgotten ?? []) this.#forget(peer);
    if (batch.clock !== undefined) this.clock = batch.clock;
    if (batch.origin !== undefined) this.origin = batch.origin;
    if (batch.addresses !== undefined) this.addresses = batch.addresses;
  }

  /** Sets the totals of a bucket, and adds to its range sums what was found to be missing in them. */
  correct(totals: Totals, missing: RangeSums): void {
    const tables = this.#bucket(totals.bucket);
    tables.totals = totals;
    tables.ranges.add(missing);
  }

  /** Puts an entry that stands already into the index of tombstones. */
  indexTombstone(bucket: BucketName, entry: Entry): void {
    this.#bucket(bucket).tombstones.set(entry.origin, entry);
  }

  #mark({ bucket, set, cleared, isUnsettled }: Damages): void {
    const tables = this.#bucket(bucket);
    for (const mark of set) tables.damages.set(dotToText(mark), { dot: mark, mark });
    for (const dot of cleared) {
      if (this.#below === undefined) tables.damages.delete(dotToText(dot));
      else tables.damages.set(dotToText(dot), { dot, mark: undefined });
    }
    tables.isUnsettled = isUnsettled;
  }

  #forget(peer: PeerId): void {
    if (this.#below === undefined) this.members.delete(peer);
    else this.members.set(peer, undefined);
  }

  #put(bucket: BucketName, key: string, before: Cell, after: Cell, sums: RangeSums): void {
    const tables = this.#bucket(bucket);
    if (after.length > 0 || this.#below !== undefined) tables.cells.set(key, after);
    else tables.cells.delete(key);
    // What came after what went: an entry that is another object and the same dot ends up where it was.
    for (const gone of without(before, after)) {
      if (isLive(gone) && !isUnreadable(gone)) sums.remove(gone);
      // What is taken out with nothing in its place may be damaged, and its dot another key's.
      const isDoubtful = after.length === 0 || isUnreadable(gone);
      if (isDoubtful && (this.#row(bucket, gone)?.key ?? key) !== key) continue;
      tables.dots.remove(gone.origin, gone.seq);
      if (!isLive(gone) || isDoubtful) tables.tombstones.remove(gone.origin, gone.seq);
    }
    for (const come of without(after, before)) {
      tables.dots.set(come.origin, come);
      if (!isLive(come)) tables.tombstones.set(come.origin, come);
      else if (!isUnreadable(come)) sums.add(come);
    }
  }

  #row(bucket: BucketName, { origin, seq }: Dot): DotRow | null | undefined {
    const row = this.buckets.get(bucket)?.dots.get(origin, seq);
    return row === undefined ? this.#below?.(bucket, origin, seq) : row;
  }

  #bucket(name: BucketName): BucketTables {
    let tables = this.buckets.get(name);
    if (tables === undefined) this.buckets.set(name, (tables = emptyBucket(this.#below !== undefined)));
    return tables;
  }

  get(bucket: BucketName, key: string): Cell | undefined {
    return this.buckets.get(bucket)?.cells.get(key);
  }

  *cells(bucket: BucketName, range: KeyRange): Generator<CellSlot, undefined, undefined> {
    const { prefix = '', after = '' } = range;
    const low = compareUtf8(after, prefix) > 0 ? after : prefix;
    for (const [key, cell] of this.buckets.get(bucket)?.cells.entries(low) ?? []) {
      if (!key.startsWith(prefix)) return undefined;
      if (key !== after) yield { key, cell };
    }
    return undefined;
  }

  dots(bucket: BucketName, origin: OriginId, lo: number, hi: number, order: DotOrder): Iterable<DotSlot> {
    return this.buckets.get(bucket)?.dots.scan(origin, lo, hi, order) ?? [];
  }

  tombstones(bucket: BucketName, origin: OriginId, lo: number, hi: number): Iterable<DotSlot> {
    return this.buckets.get(bucket)?.tombstones.scan(origin, lo, hi, 'rising') ?? [];
  }

  ranges(
    bucket: BucketName,
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Iterable<RangeSlot> {
    return this.buckets.get(bucket)?.ranges.scan(origin, level, from, to) ?? [];
  }
}

function sumsOf(sums: Map<BucketName, RangeSums>, bucket: BucketName): RangeSums {
  let own = sums.get(bucket);
  if (own === undefined) sums.set(bucket, (own = new RangeSums()));
  return own;
}

/** Vectors change in place: those of a record that waits to be written must not be somebody else's. */
const ownRecord = (record: MemberRecord): MemberRecord => ({
  ...record,
  vectors: record.vectors.map(([bucket, vector]) => [bucket, vector.clone()]),
});
