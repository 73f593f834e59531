import { Buffer } from 'node:buffer';
import type { Stamp } from '../../data/stamp.js';

const SCRATCH = new DataView(new ArrayBuffer(8));

/*
 * Every put writes a dozen of these. Buffer's own methods check their arguments, and make several bigints of one.
 */

export function writeUint32(bytes: Buffer, value: number, at: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** 64 bits without the cost of a bigint; seqs are safe integers. */
export function writeSeq(bytes: Buffer, seq: number, at: number): void {
  writeUint32(bytes, Math.floor(seq / 2 ** 32), at);
  writeUint32(bytes, seq >>> 0, at + 4);
}

export function readStamp(bytes: Buffer, at: number): Stamp {
  SCRATCH.setUint32(0, bytes.readUInt32BE(at));
  SCRATCH.setUint32(4, bytes.readUInt32BE(at + 4));
  return SCRATCH.getBigUint64(0) as Stamp;
}

export function writeStamp(bytes: Buffer, stamp: Stamp, at: number): void {
  SCRATCH.setBigUint64(0, stamp);
  writeUint32(bytes, SCRATCH.getUint32(0), at);
  writeUint32(bytes, SCRATCH.getUint32(4), at + 4);
}

/** What a damaged row says may be no safe integer. */
export const readSeq = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);

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
