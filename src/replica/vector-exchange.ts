import type { BucketName, LinkId } from '../base/ids.js';
import type { VersionVector } from '../data/version-vector.js';
import { MAX_EXACT_INTERVALS, MAX_ORIGINS } from '../protocol/limits.js';
import { MalformedMessage } from '../protocol/malformed.js';
import type { Vectors } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';

/** Intervals in all that a sound peer can cover of one bucket: there are no more in any vector. */
const MOST_INTERVALS = MAX_ORIGINS + 2 * MAX_EXACT_INTERVALS;

/** Vectors as they crossed one link last, each way. */
interface Crossed {
  readonly told: Map<BucketName, VersionVector>;
  readonly heard: Map<BucketName, VersionVector>;
}

/**
 * Tells whole vectors the first time on a link, and from then on the rows that have changed: of a thousand origins few
 * write between two rounds. That is exact, as nothing is lost on a link without its end.
 */
export class VectorExchange {
  readonly #links = new Map<LinkId, Crossed>();

  linkDown(link: LinkId): void {
    this.#links.delete(link);
  }

  #crossed(link: LinkId): Crossed {
    let crossed = this.#links.get(link);
    if (!crossed) this.#links.set(link, (crossed = { told: new Map(), heard: new Map() }));
    return crossed;
  }

  /** What to tell the other side of a link of these buckets. */
  tell(link: LinkId, buckets: readonly Bucket[], reply: boolean): Vectors {
    const { told } = this.#crossed(link);
    const changes = buckets.map(({ name, vector }) => {
      const former = told.get(name);
      return former && vector.changedSince(former);
    });
    // A row that is gone, as after damage, cannot be told as a change.
    const isWhole = changes.includes(undefined);
    for (const { name, vector } of buckets) told.set(name, vector.clone());
    const rows = buckets.map(
      ({ name, vector }, i) => [name, (isWhole ? undefined : changes[i]) ?? vector] as const,
    );
    return { type: 'vectors', reply, buckets: rows, ...(isWhole ? {} : { changes: true }) };
  }

  /**
   * All that the other side says that it covers, for each bucket of its message; the vectors are the caller's.
   * @throws MalformedMessage where changes are told of what was not, or of more than there can be
   */
  hear(link: LinkId, { buckets, changes }: Vectors): (readonly [BucketName, VersionVector])[] {
    const { heard } = this.#crossed(link);
    return buckets.map(([name, rows]) => {
      const former = changes ? heard.get(name) : rows;
      if (!former) throw new MalformedMessage('changes of a vector that was not told');
      if (former !== rows) former.replaceRows(rows);
      if (former.intervalCount() > MOST_INTERVALS) throw new MalformedMessage('a vector without end');
      heard.set(name, former);
      return [name, former.clone()];
    });
  }
}
