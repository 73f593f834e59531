import { Buffer } from 'node:buffer';
import { toText } from '../../base/bytes.js';
import type { DotRow } from '../../replica/view.js';
import { readSeq, readStamp, writeSeq, writeStamp, writeUint32 } from './numbers.js';

const DOT_KEY = 14;

export function dotKey(bucket: number, origin: number, seq: number): Buffer {
  const bytes = Buffer.allocUnsafe(DOT_KEY);
  bytes.writeUInt16BE(bucket, 0);
  writeUint32(bytes, origin, 2);
  writeSeq(bytes, seq, 6);
  return bytes;
}

export function dotRow({ stamp, key }: DotRow): Buffer {
  const bytes = Buffer.allocUnsafe(8 + Buffer.byteLength(key));
  writeStamp(bytes, stamp, 0);
  bytes.write(key, 8, 'utf8');
  return bytes;
}

/** `undefined` for a row that makes no sense. */
export function dotOfRow(key: Buffer, row: Buffer): DotRow | undefined {
  if (key.length !== DOT_KEY || row.length <= 8) return undefined;
  return { seq: readSeq(key, 6), stamp: readStamp(row, 0), key: toText(row.subarray(8)) };
}
