import type { BucketName, OriginId } from '../base/ids.js';
import { type Intervals, NO_INTERVALS, subtract } from '../data/intervals.js';
import { VersionVector } from '../data/version-vector.js';
import { MAX_EXACT_INTERVALS, MAX_ORIGINS } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Bucket } from './bucket.js';

/** Intervals in all that a sound peer can cover of one bucket, or say that it covers: there are no more in any vector. */
export const MOST_KNOWN = MAX_ORIGINS + 2 * MAX_EXACT_INTERVALS;
/** Gaps in it, likewise: a long list of one origin is copied whenever it changes. */
const MOST_GAPS = 4 * MAX_EXACT_INTERVALS;

export const hasTooManyGaps = (vector: VersionVector): boolean =>
  vector.intervalCount() - vector.size > MOST_GAPS;

/**
 * The other side of a link says that it covers this too. Where it has said more than can be true, only what it says now
 * counts: else ever new claims would pile up here.
 */
export function learn(link: Link, bucket: BucketName, more: VersionVector): void {
  let known = link.vectors.get(bucket);
  if (!known) link.vectors.set(bucket, (known = new VersionVector()));
  known.merge(more);
  if (known.intervalCount() > MOST_KNOWN || hasTooManyGaps(known)) link.vectors.set(bucket, more.clone());
}

/** The other side of the link has these: no more than are, or come to be, covered here. */
export function know(link: Link, { name }: Bucket, origin: OriginId, seqs: Intervals): void {
  let vector = link.vectors.get(name);
  if (!vector) link.vectors.set(name, (vector = new VersionVector()));
  vector.addAll(origin, seqs);
}

/**
 * Whether what has come since the two sides last compared counts as there: they were equal then, and nothing was left out
 * since. News is mostly not told to who has it, but the trees bring it to everybody.
 */
export const isLevel = ({ vectors, apartSince, flow }: Link, { name }: Bucket): boolean =>
  vectors.has(name) && !apartSince.has(name) && !flow.lagging;

/** Whether the other side of the link is known to have all of these. */
export const isKnown = (link: Link, { name }: Bucket, origin: OriginId, seqs: Intervals): boolean =>
  subtract(seqs, link.vectors.get(name)?.get(origin) ?? NO_INTERVALS).length === 0;
