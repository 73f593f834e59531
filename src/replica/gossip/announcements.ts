import type { BucketName, LinkId, OriginId } from '../../base/ids.js';
import type { Intervals } from '../../data/intervals.js';
import { VersionVector } from '../../data/version-vector.js';
import { hasPushRoom, type Link } from '../../protocol/link.js';
import type { Have } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { activeLinks, type Core } from '../core.js';
import type { Turn } from '../turn.js';

/**
 * What goes over lazy links: that we have news, and that we want no more of an origin from somebody. Collected for
 * `lazyMs`, so that many writes cost one message, and that we hear first from most neighbours who have it already.
 */
export class Announcements {
  readonly #core: Core;
  /** What is pushed, and what is too large to be pushed unasked. */
  readonly #news = new Map<Bucket, VersionVector>();
  readonly #large = new Map<Bucket, VersionVector>();
  /** Of what is large, what each link was offered already. */
  readonly #offered = new Map<LinkId, Map<Bucket, VersionVector>>();
  readonly #prunes = new Map<LinkId, Set<OriginId>>();
  #dueAt = Infinity;

  constructor(core: Core) {
    this.#core = core;
  }

  linkDown(link: LinkId): void {
    this.#prunes.delete(link);
    this.#offered.delete(link);
  }

  /**
   * News that came in or was written here: whoever is not known to have it when the time has come is told.
   * @param isLarge it is not pushed: whoever lacks it is to ask at once
   */
  announce(turn: Turn, bucket: Bucket, origin: OriginId, seqs: Intervals, isLarge: boolean): void {
    vectorIn(isLarge ? this.#large : this.#news, bucket).addAll(origin, seqs);
    this.#collect(turn);
  }

  /** The other side of the link is to push no more of this origin's writes. */
  prune(turn: Turn, link: Link, origin: OriginId): void {
    const origins = this.#prunes.get(link.id);
    if (origins) origins.add(origin);
    else this.#prunes.set(link.id, new Set([origin]));
    this.#collect(turn);
  }

  /** The times of all peers differ, or all would tell each other the same at the same moment. */
  #collect(turn: Turn): void {
    const { options, random } = this.#core;
    if (this.#dueAt === Infinity) this.#dueAt = turn.now + options.lazyMs * (0.5 + random.float() / 2);
  }

  /** Tells at once of something that is too large to be pushed unasked. */
  offer(turn: Turn, link: Link, bucket: Bucket, origin: OriginId, seqs: Intervals): void {
    let offered = this.#offered.get(link.id);
    if (!offered) this.#offered.set(link.id, (offered = new Map<Bucket, VersionVector>()));
    vectorIn(offered, bucket).addAll(origin, seqs);
    const vector = new VersionVector([[origin, seqs]]);
    this.#send(turn, link, [[bucket.name, vector]], true);
  }

  wake(turn: Turn): void {
    if (turn.now < this.#dueAt) return;
    this.#dueAt = Infinity;
    for (const [id, origins] of this.#prunes) this.#sendPrune(turn, id, [...origins]);
    this.#prunes.clear();
    for (const link of listeners(this.#core)) {
      this.#tell(turn, link, this.#news, false);
      this.#tell(turn, link, this.#large, true);
    }
    this.#news.clear();
    this.#large.clear();
    this.#offered.clear();
  }

  #sendPrune(turn: Turn, id: LinkId, origins: readonly OriginId[]): void {
    const link = this.#core.links.get(id);
    if (!link || link.closing) return;
    this.#core.counters.prunesSent++;
    turn.send(link, { type: 'prune', origins });
  }

  #tell(turn: Turn, link: Link, all: ReadonlyMap<Bucket, VersionVector>, onRequest: boolean): void {
    const buckets = [...all].flatMap(([bucket, news]): [BucketName, VersionVector][] => {
      if (link.refused.has(bucket.name)) return [];
      const unknown = without(news, link.vectors.get(bucket.name));
      const untold = onRequest ? without(unknown, this.#offered.get(link.id)?.get(bucket)) : unknown;
      return untold.size > 0 ? [[bucket.name, untold]] : [];
    });
    if (buckets.length === 0) return;
    if (hasPushRoom(link)) this.#send(turn, link, buckets, onRequest);
    else link.flow.lagging = true;
  }

  #send(turn: Turn, link: Link, buckets: Have['buckets'], onRequest: boolean): void {
    this.#core.counters.havesSent++;
    turn.send(link, { type: 'have', buckets, onRequest });
  }

  nextWakeAt(): number {
    return this.#dueAt;
  }
}

const without = (dots: VersionVector, known: VersionVector | undefined): VersionVector =>
  known && dots.size > 0 ? dots.minus(known) : dots;

function vectorIn(vectors: Map<Bucket, VersionVector>, bucket: Bucket): VersionVector {
  let vector = vectors.get(bucket);
  if (!vector) vectors.set(bucket, (vector = new VersionVector()));
  return vector;
}

/**
 * Who is told. With more links than in a crowd only `degree` of them, those to the peers that follow us in the order of ids:
 * so in a mesh everybody is told by as many, and the bytes of announcements do not grow with it. A chance of its own would
 * leave some peers without any.
 */
function listeners(core: Core): Link[] {
  const links = activeLinks(core);
  const { degree } = core.options;
  if (links.length <= 1.5 * degree) return links;
  const isBefore = ({ hello }: Link): boolean => hello !== undefined && hello.peer < core.self.peer;
  const ring = links.sort((a, b) => ((a.hello?.peer ?? '') < (b.hello?.peer ?? '') ? -1 : 1));
  return [...ring.filter((link) => !isBefore(link)), ...ring.filter(isBefore)].slice(0, degree);
}
