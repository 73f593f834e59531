import { Buffer } from 'node:buffer';
import type { BucketName, OriginId } from '../../base/ids.js';
import type { Cell } from '../../data/cell.js';
import type { StoredState } from '../../replica/batch.js';
import type { DotOrder, DotRow, KeyRange, RangeLevel } from '../../replica/view.js';
import type { DotSlot } from '../dot-table.js';
import type { CellSlot, Source } from '../layered-view.js';
import type { RangeSlot } from '../range-table.js';
import type { StoreSizes } from '../storage.js';
import type { Tables } from '../tables.js';
import { cellKey, cellKeyAbovePrefix, cellOfRow, keyOfCell } from './cell-rows.js';
import { type Environment, type Rows, sizesOf } from './environment.js';
import { fieldOf } from './errors.js';
import { dotKey, dotOfRow } from './index-rows.js';
import { LayerRows } from './layer-rows.js';
import { rangeKey, type RangeKeyOf, scanRanges } from './range-rows.js';
import { type Identity, type Sink, StateTable } from './state-table.js';

const ZERO = Buffer.of(0);

/** The data file, read as cells and rows of indexes; and the way to write a layer of them into it. */
export class Disk implements Source {
  readonly #environment: Environment;
  readonly #state: StateTable;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#state = new StateTable(environment.state);
  }

  identity(): Identity | undefined {
    return this.#state.identity();
  }

  layout(): unknown {
    return this.#state.layout();
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
    const { cells, dots } = this.#environment;
    return [cells, dots].reduce((sum, rows) => sum + Number(fieldOf(rows.getStats(), 'entryCount') ?? 0), 0);
  }

  sizes(): StoreSizes {
    return sizesOf(this.#environment);
  }

  /** Blocks until it is on the disk: for opening and closing, when no transaction is under way. */
  writeIdentity(identity: Identity): void {
    this.#writeNow(() => this.#state.putIdentity(write, identity));
  }

  /** The same for the number of the layout. */
  writeLayout(): void {
    this.#writeNow(() => this.#state.putLayout(write));
  }

  /** Gives each damage mark a row of its own, where an earlier version left all of a bucket in one. */
  renewMarks(): void {
    if (this.#state.hasOldMarks()) this.#writeNow(() => this.#state.renewMarks(write));
  }

  /** Empties what layout 1 did not have. */
  clearIndexes(): void {
    const { tombstones, ranges } = this.#environment;
    this.#writeNow(() => [tombstones, ranges].forEach((rows) => rows.clearSync()));
  }

  #writeNow(change: () => void): void {
    const { root } = this.#environment;
    root.transactionSync(change);
    // lmdb-js does it only later in this turn.
    root.resetReadTxn();
  }

  get(bucket: BucketName, key: string): Cell | undefined {
    const number = this.#state.findBucket(bucket);
    // `getBinary` copies: what lmdb reads into is used again by the next read.
    const row = number === undefined ? undefined : this.#environment.cells.getBinary(cellKey(number, key));
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
    for (const row of this.#environment.cells.getRange({ start, end })) {
      const key = keyOfCell(row.key);
      yield { key, cell: cellOfRow(key, row.value, this.#state.originOf) };
    }
    return undefined;
  }

  dots(bucket: BucketName, origin: OriginId, lo: number, hi: number, order: DotOrder): Iterable<DotSlot> {
    return this.#dots(this.#environment.dots, bucket, origin, lo, hi, order);
  }

  tombstones(bucket: BucketName, origin: OriginId, lo: number, hi: number): Iterable<DotSlot> {
    return this.#dots(this.#environment.tombstones, bucket, origin, lo, hi, 'rising');
  }

  *#dots(
    rows: Rows,
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
    const range =
      order === 'rising'
        ? { start: keyOf(first), end: keyOf(last + 1) }
        : { start: keyOf(last), end: keyOf(first - 1), reverse: true };
    for (const { key, value } of rows.getRange(range)) {
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
    const row: Buffer | undefined = this.#environment.dots.getBinary(key);
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
    for (const row of scanRanges(this.#environment.ranges, keyOf, level, from, to))
      yield { ...row, isWhole: true };
    return undefined;
  }

  #numbers(bucket: BucketName, origin: OriginId): readonly [number | undefined, number | undefined] {
    return [this.#state.findBucket(bucket), this.#state.findOrigin(origin)];
  }

  /**
   * Writes the layer in one transaction. Resolves when that is on the disk and visible to reads from here.
   * One at a time: when several are under way, lmdb-js 3.5 may take one that failed for done.
   * @throws lmdb's error
   */
  async write(layer: Tables): Promise<void> {
    const { root } = this.#environment;
    // All rows, before the first is handed over: what throws half-way must not leave half a transaction.
    const { rows } = new LayerRows(this.#environment, this.#state, layer);
    try {
      const committed = root.batch(() => rows.forEach((row) => write(...row)));
      await committed;
    } catch (error) {
      throw await causeOf(error);
    }
    // The read transaction of this turn may be older.
    root.resetReadTxn();
  }

  async close(): Promise<void> {
    await this.#environment.root.close();
  }
}

/** Into the transaction under way; whether it failed is told by that, not by each put. */
const write: Sink = (rows, key, row) => void (row === undefined ? rows.remove(key) : rows.put(key, row));

/** lmdb-js hides what happened behind another promise, which must be taken in any case. */
async function causeOf(error: unknown): Promise<unknown> {
  try {
    await fieldOf(error, 'commitError');
    return error;
  } catch (cause) {
    return cause;
  }
}
