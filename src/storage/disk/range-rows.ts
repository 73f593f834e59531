import { Buffer } from 'node:buffer';
import type { RangeLevel, RangeRow } from '../../replica/view.js';
import type { RowStore } from '../rows.js';
import type { RangeLevels } from '../range-table.js';
import { Sum } from '../sum.js';
import { readSeq, writeSeq, writeUint32 } from './numbers.js';
import type { Sink } from './state-table.js';

/*
 * The finest sums stand in the row of the block above them, 64 at most: random puts change one row then, not two, and
 * in a large transaction many of them the same one.
 */
const PER_ROW = 64;
const SUM = 16;
/** The number of the block within the row, and its sum. */
const SLOT = 1 + SUM;
const KEY = 15;
const NO_SUMS = Buffer.alloc(SUM);

/** The levels that have rows of their own. */
type RowLevel = 1 | 2;
/** Of one bucket and origin: the key of a row. */
export type RangeKeyOf = (level: RowLevel, index: number) => Buffer;

export function rangeKey(bucket: number, origin: number, level: RowLevel, index: number): Buffer {
  const bytes = Buffer.allocUnsafe(KEY);
  bytes.writeUInt16BE(bucket, 0);
  writeUint32(bytes, origin, 2);
  bytes[6] = level;
  writeSeq(bytes, index, 7);
  return bytes;
}

/** The blocks in the file, rising. Rows that make no sense are passed over. */
export function* scanRanges(
  store: RowStore,
  keyOf: RangeKeyOf,
  level: RangeLevel,
  from: number,
  to: number,
): Generator<RangeRow, undefined, undefined> {
  const rowLevel = level === 0 ? 1 : level;
  const rowOf = (index: number): number => (level === 0 ? Math.floor(index / PER_ROW) : index);
  const range = { start: keyOf(rowLevel, rowOf(from)), end: keyOf(rowLevel, rowOf(to) + 1) };
  for (const { key, value } of store.range('ranges', range)) {
    const index = readSeq(key, 7);
    if (!isRangeRow(value)) continue;
    if (level !== 0) yield { index, sum: new Uint8Array(value.subarray(0, SUM)) };
    else yield* slotsOf(value, index * PER_ROW, from, to);
  }
  return undefined;
}

function* slotsOf(
  row: Buffer,
  first: number,
  from: number,
  to: number,
): Generator<RangeRow, undefined, undefined> {
  for (let at = SUM; at < row.length; at += SLOT) {
    const index = first + (row[at] as number);
    if (index >= from && index <= to) yield { index, sum: new Uint8Array(row.subarray(at + 1, at + SLOT)) };
  }
  return undefined;
}

/** Completes the differences of one origin by what is in the file, and gives the rows that say so. */
export function writeRanges(store: RowStore, sink: Sink, keyOf: RangeKeyOf, levels: RangeLevels): void {
  const [fine, middle, coarse] = levels;
  coarse.forEachPair((index, sum) => {
    const key = keyOf(2, index);
    addStored(sum, store.get('ranges', key));
    sink('ranges', key, sum.isZero ? undefined : Buffer.from(sum.toBytes().buffer));
  });
  const groups = new Map<number, Group>();
  middle.forEachPair((index, sum) => void groups.set(index, { sum, slots: [] }));
  fine.forEachPair((index, sum) => {
    const row = Math.floor(index / PER_ROW);
    let group = groups.get(row);
    if (group === undefined) groups.set(row, (group = { sum: new Sum(), slots: [] }));
    group.slots.push({ slot: index % PER_ROW, sum });
  });
  for (const [index, group] of groups) {
    const key = keyOf(1, index);
    sink('ranges', key, mergedRow(store.get('ranges', key), group));
  }
}

interface Group {
  readonly sum: Sum;
  /** Rising. */
  readonly slots: { readonly slot: number; readonly sum: Sum }[];
}

function mergedRow(stored: Buffer | undefined, { sum, slots }: Group): Buffer | undefined {
  const row = stored !== undefined && isRangeRow(stored) ? stored : NO_SUMS;
  sum.add(row);
  const merged = Buffer.allocUnsafe(row.length + SLOT * slots.length);
  sum.writeTo(merged, 0);
  let at = SUM;
  let end = SUM;
  for (const { slot, sum: next } of slots) {
    const kept = at;
    while (at < row.length && (row[at] as number) < slot) at += SLOT;
    end += row.copy(merged, end, kept, at);
    if (at < row.length && row[at] === slot) {
      next.add(row, at + 1);
      at += SLOT;
    }
    if (next.isZero) continue;
    merged[end] = slot;
    next.writeTo(merged, end + 1);
    end += SLOT;
  }
  end += row.copy(merged, end, at);
  return end === SUM && sum.isZero ? undefined : merged.subarray(0, end);
}

function addStored(sum: Sum, row: Buffer | undefined): void {
  if (row !== undefined && isRangeRow(row)) sum.add(row);
}

const isRangeRow = (row: Buffer): boolean =>
  row.length >= SUM && (row.length - SUM) % SLOT === 0 && row.length <= SUM + PER_ROW * SLOT;
