import type { BucketName, OriginId } from '../../base/ids.js';
import type { BucketTables } from '../bucket-tables.js';
import type { DotTable } from '../dot-table.js';
import type { RangeTable } from '../range-table.js';
import type { RowChange, RowStore, TableName } from '../rows.js';
import type { Tables } from '../tables.js';
import { cellKey, cellRow } from './cell-rows.js';
import { dotKey, dotRow } from './index-rows.js';
import { rangeKey, writeRanges } from './range-rows.js';
import type { Sink, StateTable } from './state-table.js';

/** Turns a layer into the rows that put it into the data file; range sums are read there and added to. */
export class LayerRows {
  readonly rows: RowChange[] = [];
  readonly #store: RowStore;
  readonly #state: StateTable;
  readonly #sink: Sink = (table, key, row) => void this.rows.push({ table, key, row });
  readonly #originNumber = (origin: OriginId): number => this.#state.originNumber(this.#sink, origin);
  readonly #knownNumber = (origin: OriginId): number | undefined => this.#state.findOrigin(origin);

  constructor(store: RowStore, state: StateTable, layer: Tables) {
    this.#store = store;
    this.#state = state;
    for (const [bucket, tables] of layer.buckets) this.#addBucket(bucket, tables);
    state.putRestOf(this.#sink, layer);
  }

  #addBucket(bucket: BucketName, tables: BucketTables): void {
    const number = this.#state.bucketNumber(this.#sink, bucket);
    // Vectors first: what they cover has a number by the time that contexts are written.
    for (const [origin, intervals] of tables.vector)
      this.#state.putVector(this.#sink, { bucket, origin, intervals });
    for (const [origin, intervals] of tables.floor)
      this.#state.putFloor(this.#sink, { bucket, origin, intervals });
    for (const [key, cell] of tables.cells.entries()) {
      const row = cell.length === 0 ? undefined : cellRow(cell, this.#originNumber, this.#knownNumber);
      this.#sink('entries', cellKey(number, key), row);
    }
    this.#addDots('dots', number, tables.dots);
    this.#addDots('tombstones', number, tables.tombstones);
    this.#addRanges(number, tables.ranges);
    if (tables.totals !== undefined) this.#state.putTotals(this.#sink, tables.totals);
    for (const { dot, mark } of tables.damages.values()) this.#state.putMark(this.#sink, bucket, dot, mark);
    if (tables.isUnsettled !== undefined) this.#state.putUnsettled(this.#sink, bucket, tables.isUnsettled);
  }

  #addDots(table: TableName, bucket: number, dots: DotTable): void {
    for (const [origin, slots] of dots.origins()) {
      const number = this.#originNumber(origin);
      slots.forEachPair((seq, row) =>
        this.#sink(table, dotKey(bucket, number, seq), row === null ? undefined : dotRow(row)),
      );
    }
  }

  #addRanges(bucket: number, table: RangeTable): void {
    table.settle((origin, levels) => {
      const number = this.#originNumber(origin);
      writeRanges(this.#store, this.#sink, (level, index) => rangeKey(bucket, number, level, index), levels);
    });
  }
}
