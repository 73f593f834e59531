import { equalBytes } from '../base/bytes.js';
import type { LinkId } from '../base/ids.js';
import type { Bucket } from './bucket.js';

/** Hashes of what we covered and of our floor, when a delta was asked for. */
export type AsOf = readonly [vectorHash: Uint8Array, floorHash: Uint8Array];

export const asOfNow = ({ vector, floor }: Bucket): AsOf => [vector.hash(), floor.hash()];

/** Whether we cover something or have something in our floor that we had not then. */
const hasMore = (bucket: Bucket, [vectorHash, floorHash]: AsOf): boolean =>
  !equalBytes(bucket.vector.hash(), vectorHash) || !equalBytes(bucket.floor.hash(), floorHash);

/**
 * Who could not serve us, as we are below its floor (rule 6), and has not done so since: at first perhaps only because it
 * judged by what we covered when we asked.
 */
export class Refusals {
  readonly #known = new Map<Bucket, Map<LinkId, 'perhaps' | 'surely'>>();

  /**
   * Over a slow link the source may have dropped meanwhile what we have got from others and announced: whoever covers more
   * by now asks once more, which costs less than to reconcile. Who says it again after that would do so for ever.
   */
  refused(bucket: Bucket, link: LinkId, asOf: AsOf): 'ask again' | 'reconcile' | 'reconcile again' {
    const known = this.#known.get(bucket) ?? new Map<LinkId, 'perhaps' | 'surely'>();
    this.#known.set(bucket, known);
    const before = known.get(link);
    if (before === undefined && hasMore(bucket, asOf)) {
      known.set(link, 'perhaps');
      return 'ask again';
    }
    known.set(link, 'surely');
    return before === 'surely' ? 'reconcile again' : 'reconcile';
  }

  served(bucket: Bucket, link: LinkId): void {
    this.#known.get(bucket)?.delete(link);
  }

  linkDown(link: LinkId): void {
    for (const links of this.#known.values()) links.delete(link);
  }
}
