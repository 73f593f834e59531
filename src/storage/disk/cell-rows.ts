import { Buffer } from 'node:buffer';
import { toText } from '../../base/bytes.js';
import { ID_LENGTH, isId, type OriginId } from '../../base/ids.js';
import type { Cell } from '../../data/cell.js';
import type { Entry } from '../../data/entry.js';
import { type Intervals, isIntervals } from '../../data/intervals.js';
import { VersionVector } from '../../data/version-vector.js';
import { unreadableCell } from '../unreadable.js';
import { readSeq, readStamp, uint32, writeSeq, writeStamp, writeUint32 } from './numbers.js';

const ONE_ENTRY = 1;
const ENTRIES = 2;
const HAS_VALUE = 1;
const HAS_CONTEXT = 2;
/** kind, origin, seq, stamp, digest. */
const HEAD = 37;
/** In the place of an origin's number: the origin itself follows. */
const NO_NUMBER = 2 ** 32 - 1;

export type OriginNumber = (origin: OriginId) => number;
/** The number of an origin that has one. */
export type KnownNumber = (origin: OriginId) => number | undefined;
export type OriginOfNumber = (number: number) => OriginId | undefined;

export function cellKey(bucket: number, key: string): Buffer {
  const bytes = Buffer.allocUnsafe(2 + Buffer.byteLength(key));
  bytes.writeUInt16BE(bucket, 0);
  bytes.write(key, 2, 'utf8');
  return bytes;
}

/** The least bytes above all keys of the bucket that start with `prefix`. UTF-8 has no byte 255, so no carry. */
export function cellKeyAbovePrefix(bucket: number, prefix: string): Buffer {
  if (prefix === '') return cellKey(bucket + 1, '');
  const bytes = cellKey(bucket, prefix);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1;
  return bytes;
}

export const keyOfCell = (bytes: Uint8Array): string => toText(bytes.subarray(2));

/**
 * Entries are of origins that the bucket's vector covers, and these get numbers, which are kept for ever. A context may name
 * any: those that have no number are written out, so that what peers make up is gone with the row.
 * @param cell not empty
 */
export function cellRow(cell: Cell, numberOf: OriginNumber, known: KnownNumber): Buffer {
  const [first] = cell;
  if (cell.length === 1 && first !== undefined && first.context === undefined)
    return plainRow(first, numberOf);
  const parts: Uint8Array[] = [Buffer.of(ENTRIES)];
  for (const entry of cell) {
    const { value, context } = entry;
    const head = Buffer.allocUnsafe(HEAD + 4);
    writeHead(head, 0, entry, numberOf);
    writeUint32(head, value?.length ?? 0, HEAD);
    parts.push(head);
    if (value !== null) parts.push(value);
    if (context !== undefined) parts.push(...contextParts(context, known));
  }
  return Buffer.concat(parts);
}

function plainRow(entry: Entry, numberOf: OriginNumber): Buffer {
  const { value } = entry;
  const bytes = Buffer.allocUnsafe(1 + HEAD + (value?.length ?? 0));
  bytes[0] = ONE_ENTRY;
  writeHead(bytes, 1, entry, numberOf);
  if (value !== null) bytes.set(value, 1 + HEAD);
  return bytes;
}

function writeHead(bytes: Buffer, at: number, entry: Entry, numberOf: OriginNumber): void {
  bytes[at] = (entry.value === null ? 0 : HAS_VALUE) + (entry.context === undefined ? 0 : HAS_CONTEXT);
  writeUint32(bytes, numberOf(entry.origin), at + 1);
  writeSeq(bytes, entry.seq, at + 5);
  writeStamp(bytes, entry.stamp, at + 13);
  bytes.set(entry.digest, at + 21);
}

function* contextParts(context: VersionVector, known: KnownNumber): Iterable<Uint8Array> {
  yield uint32(context.size);
  for (const [origin, set] of context.entries()) {
    const number = known(origin);
    yield uint32(number ?? NO_NUMBER);
    if (number === undefined) yield Buffer.from(origin, 'latin1');
    const bytes = Buffer.allocUnsafe(4 + 8 * set.length);
    writeUint32(bytes, set.length, 0);
    set.forEach((seq, i) => writeSeq(bytes, seq, 4 + 8 * i));
    yield bytes;
  }
}

/**
 * The cell in a row; one unreadable entry when the row makes no sense.
 * @param row not shared with anybody: the values are parts of it.
 */
export function cellOfRow(key: string, row: Buffer, originOf: OriginOfNumber): Cell {
  if (row[0] === ONE_ENTRY) return plainCell(key, row, originOf) ?? unreadableCell(key);
  if (row[0] !== ENTRIES) return unreadableCell(key);
  try {
    return new RowReader(row, originOf).entries(key);
  } catch (error) {
    if (error instanceof BadRow) return unreadableCell(key);
    throw error;
  }
}

/** Nearly all cells are like this, so without a reader. */
function plainCell(key: string, row: Buffer, originOf: OriginOfNumber): Cell | undefined {
  const valueAt = 1 + HEAD;
  if (row.length < valueAt) return undefined;
  const kind = row[1] as number;
  const origin = originOf(row.readUInt32BE(2));
  const seq = readSeq(row, 6);
  if (kind > HAS_VALUE || origin === undefined || !Number.isSafeInteger(seq)) return undefined;
  if (kind !== HAS_VALUE && row.length > valueAt) return undefined;
  return [
    {
      key,
      origin,
      seq,
      stamp: readStamp(row, 14),
      digest: row.subarray(22, valueAt),
      value: kind === HAS_VALUE ? row.subarray(valueAt) : null,
    },
  ];
}

class BadRow extends Error {}

/** Reads a row of many entries from its begin to its end, and never beyond. */
class RowReader {
  readonly #row: Buffer;
  readonly #originOf: OriginOfNumber;
  #at = 1;

  constructor(row: Buffer, originOf: OriginOfNumber) {
    this.#row = row;
    this.#originOf = originOf;
  }

  entries(key: string): Entry[] {
    const entries: Entry[] = [];
    do {
      const { kind, ...head } = this.#head();
      const value = this.#bytes(this.#uint32());
      if (kind > HAS_VALUE + HAS_CONTEXT || (!(kind & HAS_VALUE) && value.length > 0)) throw new BadRow();
      const entry = { key, ...head, value: kind & HAS_VALUE ? value : null };
      entries.push(kind & HAS_CONTEXT ? { ...entry, context: this.#context() } : entry);
    } while (this.#at < this.#row.length);
    return entries;
  }

  #head(): Pick<Entry, 'origin' | 'seq' | 'stamp' | 'digest'> & { kind: number } {
    const at = this.#take(HEAD);
    const origin = this.#originOf(this.#row.readUInt32BE(at + 1));
    const seq = readSeq(this.#row, at + 5);
    if (origin === undefined || !Number.isSafeInteger(seq)) throw new BadRow();
    return {
      kind: this.#row[at] as number,
      origin,
      seq,
      stamp: readStamp(this.#row, at + 13),
      digest: this.#row.subarray(at + 21, at + HEAD),
    };
  }

  #context(): VersionVector {
    const rows: [OriginId, Intervals][] = [];
    for (let left = this.#uint32(); left > 0; left--) {
      const origin = this.#origin();
      const length = this.#uint32();
      const at = this.#take(8 * length);
      const set = Array.from({ length }, (_, i) => readSeq(this.#row, at + 8 * i));
      if (origin === undefined || !isIntervals(set)) throw new BadRow();
      rows.push([origin, set]);
    }
    return new VersionVector(rows);
  }

  #origin(): OriginId | undefined {
    const number = this.#uint32();
    if (number !== NO_NUMBER) return this.#originOf(number);
    const name = this.#bytes(ID_LENGTH).toString('latin1');
    return isId(name) ? (name as OriginId) : undefined;
  }

  #uint32(): number {
    return this.#row.readUInt32BE(this.#take(4));
  }

  #bytes(length: number): Buffer {
    const at = this.#take(length);
    return this.#row.subarray(at, at + length);
  }

  /** The place of the next `length` bytes. */
  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#row.length) throw new BadRow();
    this.#at = at + length;
    return at;
  }
}
