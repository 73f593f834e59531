import { Buffer } from 'node:buffer';
import type { RumeurError } from '../../base/errors.js';
import type { BucketName, OriginId } from '../../base/ids.js';
import type { Cell } from '../../data/cell.js';
import type { StoredState } from '../../replica/batch.js';
import type { DotOrder, DotRow, KeyRange, RangeLevel } from '../../replica/view.js';
import type { DotSlot } from '../dot-table.js';
import type { CellSlot, Source } from '../layered-view.js';
import type { RangeSlot } from '../range-table.js';
import type { RowChange, TableName } from '../rows.js';
import type { StoreSizes } from '../storage.js';
import type { Tables } from '../tables.js';
import { cellKey, cellKeyAbovePrefix, cellOfRow, keyOfCell } from './cell-rows.js';
import { CheckedRows } from './checked-rows.js';
import { openRow } from './checksum.js';
import { DamagedRows } from './damaged-rows.js';
import type { GuardedRows } from './guarded-rows.js';
import { dotKey, dotOfRow } from './index-rows.js';
import { LayerRows } from './layer-rows.js';
import { damaged } from './layout.js';
import { Scrub } from './scrub.js';
import { rangeKey, type RangeKeyOf, scanRanges } from './range-rows.js';
import { unsettledRow } from './state-rows.js';
import { type Identity, type Sink, StateTable } from './state-table.js';

const ZERO = Buffer.of(0);

/** The data file, read as cells and rows of indexes; and the way to write a layer of them into it. */
export class Disk implements Source {
  readonly #handle: GuardedRows;
  readonly #store: CheckedRows;
  readonly #damaged = new DamagedRows();
  readonly #state: StateTable;
  readonly #scrub: Scrub;

  /** @throws RumeurError `DISK_FAILED` when a row of the state is damaged */
  constructor(handle: GuardedRows) {
    this.#handle = handle;
    const met = (table: TableName, key: Buffer): void => {
      if (this.#damaged.add(table, key)) throw handle.fail(damaged('too much of the indexes'));
    };
    this.#store = new CheckedRows(handle, met);
    this.#scrub = new Scrub(handle, met);
    this.#state = new StateTable(this.#store);
  }

  identity(): Identity | undefined {
    return this.#state.identity();
  }

  stored(): Omit<StoredState, 'peerId' | 'origin'> {
    return this.#state.stored();
  }

  bucketNames(): Iterable<BucketName> {
    return this.#state.bucketNames();
  }

  originNames(): Iterable<OriginId> {
    return this.#state.originNames();
  }

  /** How many rows the cells and the dot index have, over all buckets. */
  rowCount(): number {
    return this.#store.count('entries') + this.#store.count('dots');
  }

  sizes(): StoreSizes {
    return this.#store.sizes();
  }

  writeIdentity(identity: Identity): Promise<void> {
    return this.#writeNow((sink) => this.#state.putIdentity(sink, identity));
  }

  writeLayout(): Promise<void> {
    return this.#writeNow((sink) => this.#state.putLayout(sink));
  }

  /** Has buckets counted anew; numbers of none are passed over. */
  async unsettle(buckets: Iterable<number>): Promise<void> {
    await this.#store.write([...buckets].filter(this.#exists).map(unsettledRow));
  }

  readonly #isDamaged = ({ table, key }: RowChange): boolean => {
    const row = this.#handle.get(table, key);
    return row !== undefined && openRow(table, key, row) === undefined;
  };

  readonly #exists = (bucket: number): boolean => this.#state.bucketName(bucket) !== undefined;

  /** Gives each damage mark a row of its own, where an earlier version left all of a bucket in one. */
  async renewMarks(): Promise<void> {
    if (this.#state.hasOldMarks()) await this.#writeNow((sink) => this.#state.renewMarks(sink));
  }

  async #writeNow(change: (sink: Sink) => void): Promise<void> {
    const rows: RowChange[] = [];
    change((table, key, row) => void rows.push({ table, key, row }));
    await this.#store.write(rows);
  }

  get(bucket: BucketName, key: string): Cell | undefined {
    const number = this.#state.findBucket(bucket);
    const row = number === undefined ? undefined : this.#store.get('entries', cellKey(number, key));
    return row === undefined ? undefined : cellOfRow(key, row, this.#state.originOf);
  }

  *cells(
    bucket: BucketName,
    { prefix = '', after = '' }: KeyRange,
  ): Generator<CellSlot, undefined, undefined> {
    const number = this.#state.findBucket(bucket);
    if (number === undefined) return undefined;
    const first = cellKey(number, prefix);
    const aboveAfter = Buffer.concat([cellKey(number, after), ZERO]);
    const start = after !== '' && Buffer.compare(aboveAfter, first) > 0 ? aboveAfter : first;
    const end = cellKeyAbovePrefix(number, prefix);
    if (Buffer.compare(start, end) >= 0) return undefined;
    for (const row of this.#store.range('entries', { start, end })) {
      const key = keyOfCell(row.key);
      yield { key, cell: cellOfRow(key, row.value, this.#state.originOf) };
    }
    return undefined;
  }

  dots(bucket: BucketName, origin: OriginId, lo: number, hi: number, order: DotOrder): Iterable<DotSlot> {
    return this.#dots('dots', bucket, origin, lo, hi, order);
  }

  tombstones(bucket: BucketName, origin: OriginId, lo: number, hi: number): Iterable<DotSlot> {
    return this.#dots('tombstones', bucket, origin, lo, hi, 'rising');
  }

  *#dots(
    table: TableName,
    bucket: BucketName,
    origin: OriginId,
    lo: number,
    hi: number,
    order: DotOrder,
  ): Generator<DotSlot, undefined, undefined> {
    const [number, originNumber] = this.#numbers(bucket, origin);
    if (number === undefined || originNumber === undefined || lo > hi) return undefined;
    // Below the least seq, 1, there is nothing; the end of a range is not part of it.
    const first = Math.max(lo, 1);
    const last = Math.min(hi, Number.MAX_SAFE_INTEGER);
    const keyOf = (seq: number): Buffer => dotKey(number, originNumber, seq);
    const range = { start: keyOf(first), end: keyOf(last + 1), reverse: order === 'falling' };
    for (const { key, value } of this.#store.range(table, range)) {
      const row = dotOfRow(key, value);
      if (row !== undefined) yield { seq: row.seq, row };
    }
    return undefined;
  }

  /** One row of the dot index. */
  dot(bucket: BucketName, origin: OriginId, seq: number): DotRow | undefined {
    const [number, originNumber] = this.#numbers(bucket, origin);
    if (number === undefined || originNumber === undefined) return undefined;
    const key = dotKey(number, originNumber, seq);
    const row = this.#store.get('dots', key);
    return row && dotOfRow(key, row);
  }

  *ranges(
    bucket: BucketName,
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Generator<RangeSlot, undefined, undefined> {
    const [number, originNumber] = this.#numbers(bucket, origin);
    if (number === undefined || originNumber === undefined || from > to) return undefined;
    const keyOf: RangeKeyOf = (rowLevel, index) => rangeKey(number, originNumber, rowLevel, index);
    for (const row of scanRanges(this.#store, keyOf, level, from, to)) yield { ...row, isWhole: true };
    return undefined;
  }

  #numbers(bucket: BucketName, origin: OriginId): readonly [number | undefined, number | undefined] {
    return [this.#state.findBucket(bucket), this.#state.findOrigin(origin)];
  }

  /**
   * Writes the layer as one. Resolves when that is on the disk and visible to reads from here. One at a time.
   * @throws RumeurError `DISK_FULL`, `DISK_FAILED`
   */
  async write(layer: Tables): Promise<void> {
    // All rows, before the first is handed over: what throws half-way must not leave half of them behind.
    const { rows } = new LayerRows(this.#store, this.#state, layer);
    await this.#store.write(this.#damaged.joinTo(rows, this.#isDamaged, this.#exists));
  }

  /** Tells of the first error of the engine, whoever met it; in the middle of a read if that was it. */
  onFailure(listener: (error: RumeurError) => void): void {
    this.#handle.onFailure(listener);
  }

  /** See `Storage.onDamage`. */
  onDamage(listener: (bucket: BucketName | undefined) => void): void {
    this.#damaged.onDamage((bucket) => listener(this.#state.bucketName(bucket)));
  }

  /** Reads some rows more, for damage that nobody has come across. */
  scrub(rows: number): void {
    this.#scrub.next(rows);
  }

  /** Damaged rows of indexes that have been met since it was opened. */
  get damagedRows(): number {
    return this.#damaged.count;
  }

  /** @throws RumeurError `DISK_FAILED` when the engine does not come to an end; `released` waits for that */
  close(): Promise<void> {
    return this.#store.close();
  }

  /** Whether the engine hangs in a call that it will not give up. */
  get isUnended(): boolean {
    return this.#handle.isUnended;
  }

  released(): Promise<void> {
    return this.#handle.released();
  }
}
