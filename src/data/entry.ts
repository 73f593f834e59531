import { Buffer } from 'node:buffer';
import { compareBytes, digest128, equalBytes } from '../base/bytes.js';
import type { Dot } from './dot.js';
import type { Stamp } from './stamp.js';
import type { VersionVector } from './version-vector.js';

/**
 * What a bucket holds under a key: a value or a tombstone, with the dot and stamp of the write that made it.
 * `value` is the writer's JSON text as UTF-8 bytes, never re-encoded; `null` is a tombstone.
 */
export interface Entry extends Dot {
  readonly key: string;
  readonly stamp: Stamp;
  readonly value: Uint8Array | null;
  /** The dots that the write supersedes, with all that those superseded; only under policies that need it. */
  readonly context?: VersionVector;
  /** 16 bytes over everything above: content hash, checksum of the row and term of the state hash. */
  readonly digest: Uint8Array;
}

export type EntryWithoutDigest = Omit<Entry, 'digest'>;

/** `entry` with its digest; the layout hashed is in docs/PROTOCOL.md, "Digests". */
export function sealEntry(entry: EntryWithoutDigest): Entry {
  const { key, origin, seq, stamp, value, context } = entry;
  const digest = entryDigest(entry);
  if (context === undefined) return { key, origin, seq, stamp, value, digest };
  return { key, origin, seq, stamp, value, context, digest };
}

export function entryDigest(entry: EntryWithoutDigest): Uint8Array {
  const { key, origin, seq, stamp, value, context } = entry;
  const keyLength = Buffer.byteLength(key);
  const valueAt = 1 + 8 + 8 + origin.length + 2 + keyLength;
  const contextHash = context?.hash();
  const bytes = Buffer.allocUnsafe(valueAt + (value?.length ?? 0) + (contextHash?.length ?? 0));
  bytes[0] = (value === null ? 0 : 1) + (contextHash ? 2 : 0);
  bytes.writeBigUInt64BE(stamp, 1);
  // Twice 32 bits: a bigint of its own for each entry is slower.
  bytes.writeUInt32BE(Math.floor(seq / 2 ** 32), 9);
  bytes.writeUInt32BE(seq % 2 ** 32, 13);
  bytes.write(origin, 17, 'latin1');
  bytes.writeUInt16BE(keyLength, 17 + origin.length);
  bytes.write(key, 19 + origin.length, 'utf8');
  if (value !== null) bytes.set(value, valueAt);
  if (contextHash) bytes.set(contextHash, bytes.length - contextHash.length);
  return digest128(bytes);
}

/** Whether an entry that was read is what was written: its digest is that of its content. */
export const isSound = (entry: Entry): boolean =>
  entry.digest.length === 16 && equalBytes(entry.digest, entryDigest(entry));

/**
 * The total order of all writes: stamp, origin, seq, and the content's digest last, so that even a dot that
 * was wrongly used twice ends equal everywhere. Above 0 when `a` wins over `b`.
 */
export function compareEntries(a: Entry, b: Entry): number {
  return compareWrites(a, b) || compareBytes(a.digest, b.digest);
}

/** The order by `(stamp, origin, seq)` alone: how deltas are sent. */
export function compareWrites(a: Dot & { stamp: Stamp }, b: Dot & { stamp: Stamp }): number {
  if (a.stamp !== b.stamp) return a.stamp < b.stamp ? -1 : 1;
  if (a.origin !== b.origin) return a.origin < b.origin ? -1 : 1;
  return a.seq - b.seq;
}
