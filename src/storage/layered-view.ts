import { compareUtf8 } from '../base/bytes.js';
import type { BucketName, OriginId } from '../base/ids.js';
import { type Cell, EMPTY_CELL } from '../data/cell.js';
import type { DotOrder, DotRow, KeyRange, RangeLevel, RangeRow, View } from '../replica/view.js';
import type { DotSlot } from './dot-table.js';
import { mergeSorted } from './merge.js';
import type { RangeSlot } from './range-table.js';
import { Sum } from './sum.js';

export interface CellSlot {
  readonly key: string;
  /** Empty in a layer that has taken the cell away. */
  readonly cell: Cell;
}

/** What a view is made of: the store at the bottom, and layers of changes above it. In the orders that `View` says. */
export interface Source {
  /** `undefined` where this source says nothing of the key. */
  get(bucket: BucketName, key: string): Cell | undefined;
  cells(bucket: BucketName, range: KeyRange): Iterable<CellSlot>;
  dots(bucket: BucketName, origin: OriginId, lo: number, hi: number, order: DotOrder): Iterable<DotSlot>;
  tombstones(bucket: BucketName, origin: OriginId, lo: number, hi: number): Iterable<DotSlot>;
  ranges(
    bucket: BucketName,
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Iterable<RangeSlot>;
}

const bySeq = (a: DotSlot, b: DotSlot): number => a.seq - b.seq;

/** The state of a store and of the layers above it as one. */
export class LayeredView implements View {
  readonly #bottom: Source;
  readonly #layers: () => readonly Source[];

  /** @param layers the lowest one first; asked for at each read */
  constructor(bottom: Source, layers: () => readonly Source[]) {
    this.#bottom = bottom;
    this.#layers = layers;
  }

  get(bucket: BucketName, key: string): Cell {
    const layers = this.#layers();
    for (let i = layers.length - 1; i >= 0; i--) {
      const cell = (layers[i] as Source).get(bucket, key);
      if (cell !== undefined) return cell;
    }
    return this.#bottom.get(bucket, key) ?? EMPTY_CELL;
  }

  *cells(bucket: BucketName, range: KeyRange): Generator<Cell, undefined, undefined> {
    const slots = this.#merged(
      (source) => source.cells(bucket, range),
      (a, b) => compareUtf8(a.key, b.key),
    );
    for (const { cell } of slots) if (cell.length > 0) yield cell;
    return undefined;
  }

  dots(
    bucket: BucketName,
    origin: OriginId,
    lo: number,
    hi: number,
    order: DotOrder,
  ): Generator<DotRow, undefined, undefined> {
    const compare = order === 'rising' ? bySeq : (a: DotSlot, b: DotSlot) => b.seq - a.seq;
    return rowsOf(this.#merged((source) => source.dots(bucket, origin, lo, hi, order), compare));
  }

  tombstones(
    bucket: BucketName,
    origin: OriginId,
    lo: number,
    hi: number,
  ): Generator<DotRow, undefined, undefined> {
    return rowsOf(this.#merged((source) => source.tombstones(bucket, origin, lo, hi), bySeq));
  }

  *ranges(
    bucket: BucketName,
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Generator<RangeRow, undefined, undefined> {
    const rows = this.#merged(
      (source) => source.ranges(bucket, origin, level, from, to),
      (a, b) => a.index - b.index,
      (under, over) => (over.isWhole ? over : added(under, over)),
    );
    for (const { index, sum } of rows) if (!Sum.fromBytes(sum).isZero) yield { index, sum };
    return undefined;
  }

  #merged<T>(
    scan: (source: Source) => Iterable<T>,
    compare: (a: T, b: T) => number,
    join?: (under: T, over: T) => T,
  ): Iterable<T> {
    let merged = scan(this.#bottom);
    for (const layer of this.#layers()) merged = mergeSorted(merged, scan(layer), compare, join);
    return merged;
  }
}

function* rowsOf(slots: Iterable<DotSlot>): Generator<DotRow, undefined, undefined> {
  for (const { row } of slots) if (row !== null) yield row;
  return undefined;
}

function added(under: RangeSlot, over: RangeSlot): RangeSlot {
  const sum = Sum.fromBytes(under.sum);
  sum.add(over.sum);
  return { ...under, sum: sum.toBytes() };
}
