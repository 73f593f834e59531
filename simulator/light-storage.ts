import { compareUtf8 } from '../src/base/bytes.js';
import type { BucketName, OriginId } from '../src/base/ids.js';
import { type Cell, EMPTY_CELL, isLive, without } from '../src/data/cell.js';
import type { Entry } from '../src/data/entry.js';
import type { Batch } from '../src/replica/batch.js';
import type { DotOrder, KeyRange, RangeLevel, RangeRow } from '../src/replica/view.js';
import { blockOf } from '../src/storage/range-sums.js';
import { Sum } from '../src/storage/sum.js';
import { SimStorage } from './sim-storage.js';

/** What stands, by key and by dot. */
interface Rows {
  readonly cells: Map<string, Cell>;
  /** Of each origin, at the place of its seq: seqs have few gaps. */
  readonly dots: Map<OriginId, (Entry | undefined)[]>;
}

/**
 * A store for worlds of a thousand peers that end with their process: it reads and writes rows as fast as can be, and works
 * out on demand what is hardly ever asked for there: the order of keys, tombstones, sums of ranges. It keeps nothing that
 * only a restart needs, and cannot be damaged.
 */
export class LightStorage extends SimStorage {
  readonly #buckets = new Map<BucketName, Rows>();

  #rows(bucket: BucketName): Rows {
    let rows = this.#buckets.get(bucket);
    if (!rows) this.#buckets.set(bucket, (rows = { cells: new Map(), dots: new Map() }));
    return rows;
  }

  override get isSafe(): boolean {
    return true;
  }

  override commit(batch: Batch): void {
    for (const { bucket, key, before, after } of batch.puts) {
      const { cells, dots } = this.#rows(bucket);
      if (after.length > 0) cells.set(key, after);
      else cells.delete(key);
      for (const { origin, seq } of without(before, after)) {
        const entries = dots.get(origin);
        if (entries) entries[seq] = undefined;
      }
      for (const entry of without(after, before)) {
        const entries = dots.get(entry.origin);
        if (entries) entries[entry.seq] = entry;
        else dots.set(entry.origin, rowOf(entry));
      }
    }
  }

  override get(bucket: BucketName, key: string): Cell {
    return this.#rows(bucket).cells.get(key) ?? EMPTY_CELL;
  }

  override *cells(
    bucket: BucketName,
    { prefix = '', after }: KeyRange,
  ): Generator<Cell, undefined, undefined> {
    const { cells } = this.#rows(bucket);
    for (const key of [...cells.keys()].sort(compareUtf8)) {
      if (!key.startsWith(prefix) || (after !== undefined && compareUtf8(key, after) <= 0)) continue;
      const cell = cells.get(key);
      if (cell) yield cell;
    }
    return undefined;
  }

  override *dots(
    bucket: BucketName,
    origin: OriginId,
    lo: number,
    hi: number,
    order: DotOrder,
  ): Generator<Entry, undefined, undefined> {
    const entries = this.#rows(bucket).dots.get(origin) ?? [];
    const [first, last] = [Math.max(lo, 1), Math.min(hi, entries.length - 1)];
    for (let i = 0; i <= last - first; i++) {
      const entry = entries[order === 'rising' ? first + i : last - i];
      if (entry) yield entry;
    }
    return undefined;
  }

  override *tombstones(
    bucket: BucketName,
    origin: OriginId,
    lo: number,
    hi: number,
  ): Generator<Entry, undefined, undefined> {
    for (const entry of this.dots(bucket, origin, lo, hi, 'rising')) if (!isLive(entry)) yield entry;
    return undefined;
  }

  override *ranges(
    bucket: BucketName,
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Generator<RangeRow, undefined, undefined> {
    const sums = new Map<number, Sum>();
    for (const entry of this.dots(bucket, origin, 1, Infinity, 'rising')) {
      const index = blockOf(entry.seq, level);
      if (index < from || index > to || !isLive(entry)) continue;
      const sum = sums.get(index) ?? new Sum();
      sum.add(entry.digest);
      sums.set(index, sum);
    }
    for (const [index, sum] of sums) yield { index, sum: sum.toBytes() };
    return undefined;
  }
}

function rowOf(entry: Entry): (Entry | undefined)[] {
  const entries: (Entry | undefined)[] = [];
  entries[entry.seq] = entry;
  return entries;
}
