import { Buffer } from 'node:buffer';
import type { OriginId } from '../../base/ids.js';
import { RumeurError } from '../../base/errors.js';
import { toText } from '../../base/bytes.js';
import type { Entry } from '../../data/entry.js';
import type { Intervals } from '../../data/intervals.js';
import type { Stamp } from '../../data/stamp.js';
import type { DotRow } from '../../replica/view.js';

/*
 * The layout of keys and rows. All numbers are big-endian, so that keys sort by them.
 *
 * entries  bucket:2 key                -> format:1 kind:1 origin:4 seq:8 stamp:8 digest:16 value
 * dots     bucket:2 origin:4 seq:8     -> stamp:8 key
 * state    'b' bucket:2                -> the bucket's name
 *          'o' origin:4                -> the origin
 *          'v' bucket:2 origin:4       -> the covered intervals, 8 bytes a number
 *          't' bucket:2                -> keys:8 hash:16
 *          'm' name                    -> JSON
 */
const ROW_FORMAT = 1;
const TOMBSTONE = 0;
const JSON_VALUE = 1;
const VALUE_AT = 38;

export type StateTag = 'b' | 'o' | 'v' | 't' | 'm';

export function entryKey(bucket: number, key: string): Buffer {
  const bytes = Buffer.allocUnsafe(2 + Buffer.byteLength(key));
  bytes.writeUInt16BE(bucket, 0);
  bytes.write(key, 2, 'utf8');
  return bytes;
}

/** The least bytes above all keys of the bucket that start with `prefix`. UTF-8 has no byte 255, so no carry. */
export function entryKeyAbovePrefix(bucket: number, prefix: string): Buffer {
  if (prefix === '') return entryKey(bucket + 1, '');
  const bytes = entryKey(bucket, prefix);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1;
  return bytes;
}

export const keyOfEntry = (bytes: Uint8Array): string => toText(bytes.subarray(2));

export function entryRow(entry: Entry, origin: number): Buffer {
  const { value } = entry;
  const bytes = Buffer.allocUnsafe(VALUE_AT + (value?.length ?? 0));
  bytes[0] = ROW_FORMAT;
  bytes[1] = value === null ? TOMBSTONE : JSON_VALUE;
  bytes.writeUInt32BE(origin, 2);
  writeSeq(bytes, entry.seq, 6);
  bytes.writeBigUInt64BE(entry.stamp, 14);
  bytes.set(entry.digest, 22);
  if (value !== null) bytes.set(value, VALUE_AT);
  return bytes;
}

/** @param row not shared with anybody: the value is a part of it. */
export function entryOfRow(
  key: string,
  row: Buffer,
  originOf: (number: number) => OriginId | undefined,
): Entry {
  const kind = row[1];
  const origin = row.length >= VALUE_AT ? originOf(row.readUInt32BE(2)) : undefined;
  if (row[0] !== ROW_FORMAT || (kind !== TOMBSTONE && kind !== JSON_VALUE) || origin === undefined) {
    throw damaged(`the entry under ${JSON.stringify(key)}`);
  }
  return {
    key,
    origin,
    seq: readSeq(row, 6),
    stamp: row.readBigUInt64BE(14) as Stamp,
    digest: row.subarray(22, VALUE_AT),
    value: kind === TOMBSTONE ? null : row.subarray(VALUE_AT),
  };
}

export function dotKey(bucket: number, origin: number, seq: number): Buffer {
  const bytes = Buffer.allocUnsafe(14);
  bytes.writeUInt16BE(bucket, 0);
  bytes.writeUInt32BE(origin, 2);
  writeSeq(bytes, seq, 6);
  return bytes;
}

export function dotRow({ stamp, key }: DotRow): Buffer {
  const bytes = Buffer.allocUnsafe(8 + Buffer.byteLength(key));
  bytes.writeBigUInt64BE(stamp, 0);
  bytes.write(key, 8, 'utf8');
  return bytes;
}

export function dotOfRow(key: Buffer, row: Buffer): DotRow {
  if (key.length !== 14 || row.length <= 8) throw damaged('a row of the dot index');
  return { seq: readSeq(key, 6), stamp: row.readBigUInt64BE(0) as Stamp, key: toText(row.subarray(8)) };
}

/** @param numbers 2 bytes for a bucket, 4 for an origin, in this order. */
export function stateKey(tag: StateTag, ...numbers: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(tag, 'latin1'), ...numbers]);
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function intervalsRow(intervals: Intervals): Buffer {
  const bytes = Buffer.allocUnsafe(8 * intervals.length);
  intervals.forEach((value, i) => writeSeq(bytes, value, 8 * i));
  return bytes;
}

export const intervalsOfRow = (row: Buffer): Intervals =>
  Array.from({ length: row.length / 8 }, (_, i) => readSeq(row, 8 * i));

export function totalsRow(keys: number, hash: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(24);
  writeSeq(bytes, keys, 0);
  bytes.set(hash, 8);
  return bytes;
}

export const totalsOfRow = (row: Buffer): { keys: number; hash: Uint8Array } => ({
  keys: readSeq(row, 0),
  hash: row.subarray(8, 24),
});

export const damaged = (what: string): RumeurError =>
  new RumeurError('DISK_FAILED', `${what} in the data file is damaged`, {
    hint: 'move the data directory away; the peer fetches everything from the others again',
  });

/** 64 bits without the cost of a bigint; seqs are safe integers. */
function writeSeq(bytes: Buffer, seq: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(seq / 2 ** 32), at);
  bytes.writeUInt32BE(seq % 2 ** 32, at + 4);
}

const readSeq = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
