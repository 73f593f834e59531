import { Allowance, type Rate } from '../base/allowance.js';
import type { BucketName, LinkId } from '../base/ids.js';
import { VersionVector } from '../data/version-vector.js';
import { MalformedMessage } from '../protocol/malformed.js';
import type { Vectors } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import { MOST_KNOWN } from './known.js';

/**
 * Rows that are compared for the other side of one link. A few bytes ask for a comparison, which walks all rows of both
 * vectors: of a thousand origins it may be sixty in a second; of as many as there can be one, which takes 6 % of a core.
 */
const COMPARED: Rate = { most: 2 ** 21, perMs: 128 };

/** Vectors as they crossed one link last, each way. */
interface Crossed {
  readonly told: Map<BucketName, VersionVector>;
  readonly heard: Map<BucketName, VersionVector>;
  readonly allowance: Allowance;
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
    if (!crossed) {
      crossed = { told: new Map(), heard: new Map(), allowance: new Allowance(0, COMPARED) };
      this.#links.set(link, crossed);
    }
    return crossed;
  }

  /** Whether vectors of so many rows may be compared now for the other side of a link; it counts. */
  affords(link: LinkId, now: number, rows: number): boolean {
    const { allowance } = this.#crossed(link);
    if (allowance.readyAt(now) > now) return false;
    allowance.spend(now, rows);
    return true;
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
   * Takes what the other side says that it covers; at the cost of what it says, however much it has said before.
   * @param isOurs whether a bucket is replicated on this link: of others, with names without end, nothing is kept
   * @returns the buckets of its message that are
   * @throws MalformedMessage where changes are told of what was not, or of more than there can be
   */
  hear(link: LinkId, { buckets, changes }: Vectors, isOurs: (name: BucketName) => boolean): BucketName[] {
    const { heard } = this.#crossed(link);
    const ours = buckets.filter(([name]) => isOurs(name));
    for (const [name, rows] of ours) {
      const former = changes ? heard.get(name) : rows;
      if (!former) throw new MalformedMessage('changes of a vector that was not told');
      if (former !== rows) former.replaceRows(rows);
      if (former.intervalCount() > MOST_KNOWN) throw new MalformedMessage('a vector without end');
      heard.set(name, former);
    }
    return ours.map(([name]) => name);
  }

  /** All that the other side of a link has said that it covers of a bucket; the caller's own. */
  heard(link: LinkId, bucket: BucketName): VersionVector {
    return this.#links.get(link)?.heard.get(bucket)?.clone() ?? new VersionVector();
  }
}
