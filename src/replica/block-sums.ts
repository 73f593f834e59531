import type { OriginId } from '../base/ids.js';
import { isLive, standing } from '../data/cell.js';
import { isSound } from '../data/entry.js';
import { Fingerprint } from '../data/fingerprint.js';
import { RANGE_SHIFTS } from '../protocol/ranges.js';
import type { Bucket } from './bucket.js';
import type { IndexedDot } from './dot-search.js';
import type { Turn } from './turn.js';
import type { View } from './view.js';

const BLOCK = 2 ** RANGE_SHIFTS[0];

/**
 * Takes the digest of an entry that damage took out of every sum that counts it. Nobody can read it any more, but it is
 * what the sum of its block holds beside the entries that stand there: to find that out costs the 15 rows around it,
 * not the bucket. Should others of the block be damaged too, theirs go with it.
 * @returns whether there are such others under other keys: if one of them reads well another time, it is missing in the sums
 */
export function takeOutOfSums(
  view: View,
  turn: Turn,
  bucket: Bucket,
  { origin, seq, key }: IndexedDot,
): boolean {
  const index = Math.floor(seq / BLOCK);
  const [lo, hi] = [index * BLOCK, (index + 1) * BLOCK - 1];
  const others = [...view.dots(bucket.name, origin, lo, hi, 'rising')].filter((row) => row.key !== key);
  turn.damage.correctBlock(bucket, origin, index, () => {
    const sum = Fingerprint.empty();
    for (const row of view.ranges(bucket.name, origin, 0, index, index)) sum.add(row.sum);
    sum.remove(standingIn(view, bucket, origin, index).toBytes());
    return excessOf(sum);
  });
  turn.totalsChanged(bucket);
  return others.some((row) => !view.get(bucket.name, row.key).every(isSound));
}

/** The sum of the live entries that stand, whole, in a block of the finest level. */
function standingIn(view: View, bucket: Bucket, origin: OriginId, index: number): Fingerprint {
  const sum = Fingerprint.empty();
  const [lo, hi] = [index * BLOCK, (index + 1) * BLOCK - 1];
  for (const { seq, key } of [...view.dots(bucket.name, origin, lo, hi, 'rising')]) {
    // A damaged entry may give itself out for the dot of another one.
    const entry = standing(view.get(bucket.name, key).filter(isSound), { origin, seq });
    if (entry && isLive(entry)) sum.add(entry.digest);
  }
  return sum;
}

/** `undefined` for nothing. */
export function excessOf(sum: Fingerprint): Uint8Array | undefined {
  const bytes = sum.toBytes();
  return bytes.every((byte) => byte === 0) ? undefined : bytes;
}
