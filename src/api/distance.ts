import type { Link } from '../protocol/link.js';
import type { Bucket } from '../replica/bucket.js';
import type { Core } from '../replica/core.js';
import { isLevel } from '../replica/known.js';
import { unconfirmedOn } from '../replica/links/unconfirmed.js';

/** Operations that the other side of a link is known to have and we have not. */
export function behindOf(bucket: Bucket, link: Link): number {
  const known = link.vectors.get(bucket.name);
  return !known || known.within(bucket.vector) ? 0 : known.minus(bucket.vector).count();
}

/** The other way round. */
export function aheadOf(bucket: Bucket, link: Link): number {
  const known = link.vectors.get(bucket.name);
  if (!known) return bucket.vector.count();
  return isLevel(link, bucket) || bucket.vector.within(known) ? 0 : bucket.vector.minus(known).count();
}

/** Whether both sides cover the same of a bucket, as far as is known, and the other side answers when there is news. */
export const isInSync = (core: Core, bucket: Bucket, link: Link): boolean =>
  !link.refused.has(bucket.name) &&
  behindOf(bucket, link) === 0 &&
  aheadOf(bucket, link) === 0 &&
  unconfirmedOn(core, link) === 0;
