import type { BucketName } from '../base/ids.js';
import type { VersionVector } from '../data/version-vector.js';
import { MAX_EXACT_INTERVALS, MAX_ORIGINS } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';

/** Intervals in what all that a sound peer has said together says of one bucket: there are no more in any vector. */
const MOST_KNOWN = MAX_ORIGINS + 2 * MAX_EXACT_INTERVALS;

/**
 * The other side of a link says that it covers this too. Where it has said more than can be true, only what it says now
 * counts: else ever new claims would pile up here.
 */
export function learn(link: Link, bucket: BucketName, more: VersionVector): void {
  const known = link.vectors.get(bucket);
  if (!known) return;
  known.merge(more);
  if (known.intervalCount() > MOST_KNOWN) link.vectors.set(bucket, more.clone());
}
