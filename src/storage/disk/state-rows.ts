import { Buffer } from 'node:buffer';
import { decode, encode } from '@msgpack/msgpack';
import { toText } from '../../base/bytes.js';
import { type BucketName, isBucketName, isId, type OriginId, type PeerId } from '../../base/ids.js';
import { type Intervals, isIntervals } from '../../data/intervals.js';
import { type Stamp, stampFromText, STAMP_ZERO, stampToText } from '../../data/stamp.js';
import { VersionVector } from '../../data/version-vector.js';
import type { MemberRecord } from '../../protocol/members.js';
import type { DamageMark, Totals } from '../../replica/batch.js';
import type { RowChange } from '../rows.js';
import { damaged } from './layout.js';
import { readSeq, uint16, writeSeq } from './numbers.js';

export type StateTag = 'b' | 'o' | 'v' | 'f' | 't' | 'c' | 'd' | 'p' | 'm';

/** @param parts 2 bytes for a bucket, 4 for an origin, in this order; or text. */
export function stateKey(tag: StateTag, ...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(tag, 'latin1'), ...parts]);
}

/** Says that a bucket is to be counted anew. */
export const unsettledRow = (bucket: number): RowChange => ({
  table: 'state',
  key: stateKey('c', uint16(bucket)),
  row: Buffer.of(1),
});

export function intervalsRow(intervals: Intervals): Buffer {
  const bytes = Buffer.allocUnsafe(8 * intervals.length);
  intervals.forEach((value, i) => writeSeq(bytes, value, 8 * i));
  return bytes;
}

export function intervalsOfRow(row: Buffer): Intervals {
  const list = Array.from({ length: Math.floor(row.length / 8) }, (_, i) => readSeq(row, 8 * i));
  if (row.length % 8 !== 0 || !isIntervals(list)) throw damaged('a row of a version vector');
  return list;
}

export function totalsRow({ keys, hash, tombstones, droppedUpTo }: Totals): Buffer {
  const bytes = Buffer.allocUnsafe(40);
  writeSeq(bytes, keys, 0);
  bytes.set(hash, 8);
  writeSeq(bytes, tombstones, 24);
  bytes.writeBigUInt64BE(droppedUpTo, 32);
  return bytes;
}

/** Layout 1 knew of no tombstones and had dropped none. */
export function totalsOfRow(row: Buffer): Omit<Totals, 'bucket'> {
  if (row.length !== 24 && row.length !== 40) throw damaged('a row of a bucket');
  return {
    keys: readSeq(row, 0),
    hash: Uint8Array.from(row.subarray(8, 24)),
    tombstones: row.length === 40 ? readSeq(row, 24) : 0,
    droppedUpTo: row.length === 40 ? (row.readBigUInt64BE(32) as Stamp) : STAMP_ZERO,
  };
}

/** The marks of a bucket in one row, as earlier versions kept them. */
export function marksOfOldRow(row: Buffer): DamageMark[] {
  const list = parsed('the damage marks', () => JSON.parse(toText(row)) as unknown);
  if (!Array.isArray(list) || !list.every(isMark)) throw damaged('the row of damage marks');
  return list;
}

function isMark(value: unknown): value is DamageMark {
  if (typeof value !== 'object' || value === null) return false;
  const { origin, seq, key } = value as Record<keyof DamageMark, unknown>;
  return typeof origin === 'string' && Number.isSafeInteger(seq) && typeof key === 'string';
}

/** MessagePack, as vectors may be large: a list, in the order of the fields; later ones were added at its end. */
export const memberRow = (record: MemberRecord): Buffer =>
  Buffer.from(
    encode([
      record.peer,
      record.name,
      stampToText(record.number),
      record.origins,
      record.vectors.map(([bucket, vector]) => [bucket, [...vector.entries()]]),
      stampToText(record.evictedUpTo),
      record.url,
      stampToText(record.downUpTo),
    ]),
  );

/**
 * The first versions knew neither `url` nor `downUpTo`.
 * @throws RumeurError `DISK_FAILED`: without a member its tombstones would be dropped too early
 */
export function memberOfRow(row: Buffer): MemberRecord {
  const list = parsed('the record of a member', () => decode(row));
  const [peer, name, number, origins, vectors, evictedUpTo, url = null, downUpTo] = listOf(list);
  if (!isId(peer) || typeof name !== 'string') throw damagedMember();
  if (url !== null && typeof url !== 'string') throw damagedMember();
  return {
    peer: peer as PeerId,
    name,
    url,
    number: stampOf(number),
    origins: listOf(origins).map(originOf),
    vectors: listOf(vectors).map(vectorOf),
    evictedUpTo: stampOf(evictedUpTo),
    downUpTo: downUpTo === undefined ? STAMP_ZERO : stampOf(downUpTo),
  };
}

const damagedMember = (): Error => damaged('the record of a member');

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw damagedMember();
  return value;
}

function stampOf(value: unknown): Stamp {
  const stamp = stampFromText(String(value));
  if (stamp === undefined) throw damagedMember();
  return stamp;
}

function originOf(value: unknown): OriginId {
  if (!isId(value)) throw damagedMember();
  return value as OriginId;
}

function vectorOf(value: unknown): readonly [BucketName, VersionVector] {
  const [bucket, rows] = listOf(value);
  if (!isBucketName(bucket)) throw damagedMember();
  const vector = listOf(rows).map((row) => {
    const [origin, intervals] = listOf(row);
    if (!isIntervals(intervals)) throw damagedMember();
    return [originOf(origin), intervals] as const;
  });
  return [bucket, new VersionVector(vector)];
}

function parsed(what: string, parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    throw damaged(what, error);
  }
}
