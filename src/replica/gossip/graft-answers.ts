import type { LinkId, OriginId } from '../../base/ids.js';
import { standing } from '../../data/cell.js';
import type { Entry } from '../../data/entry.js';
import { fromAscending, type Intervals, pairs } from '../../data/intervals.js';
import { VersionVector } from '../../data/version-vector.js';
import type { Broadcast } from '../../protocol/broadcast.js';
import { encodeMessage, packOps, roughSize } from '../../protocol/codec.js';
import { MAX_EXACT_INTERVALS, TARGET_FRAME_BYTES } from '../../protocol/limits.js';
import { hasPushRoom, type Link } from '../../protocol/link.js';
import type { Graft, Prune } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { bucketOn, type Core } from '../core.js';
import { know } from '../known.js';
import { spend } from '../links/quotas.js';
import type { Suspect } from '../suspect.js';
import type { Turn } from '../turn.js';

/** What a message costs as such, in rows of it. */
const ROWS_OF_A_GRAFT = 16;
/** Rows beyond the bound that weigh as a misdeed: to read them all is work too. */
const MUCH = 1_000;

/** What a link has asked for and not got yet. */
type Pending = Map<Bucket, VersionVector>;

/** Answers grafts, by pushes of what still stands, and heeds what the other side wants to be pushed. */
export class GraftAnswers {
  readonly #core: Core;
  readonly #broadcast: Broadcast;
  readonly #suspect: Suspect;
  readonly #pending = new Map<LinkId, Pending>();

  constructor(core: Core, broadcast: Broadcast, suspect: Suspect) {
    this.#core = core;
    this.#broadcast = broadcast;
    this.#suspect = suspect;
  }

  linkDown(link: LinkId): void {
    this.#pending.delete(link);
  }

  prune(turn: Turn, link: Link, { origins }: Prune): void {
    this.#core.counters.prunesReceived++;
    if (!this.#mayAsk(turn, link, origins.length)) return;
    const buckets = [...this.#core.buckets.values()];
    for (const origin of origins) {
      // Whoever makes origins up does not push out the trees of real ones.
      const isReal = buckets.some(({ vector }) => vector.get(origin).length > 0);
      if (isReal) this.#broadcast.prune(origin, link.id);
    }
  }

  graft(turn: Turn, link: Link, { buckets, eager }: Graft): void {
    this.#core.counters.graftsReceived++;
    const intervals = buckets.reduce((sum, [, vector]) => sum + vector.intervalCount(), 0);
    if (!this.#mayAsk(turn, link, intervals)) return;
    for (const [name, vector] of buckets) {
      const bucket = bucketOn(this.#core, link, name);
      if (!bucket) continue;
      if (eager) for (const [origin] of vector.entries()) this.#broadcast.graft(origin, link.id);
      this.#note(link.id, bucket, vector.intersect(bucket.vector));
    }
  }

  /** It counts; who asks for far too much is not heeded. */
  #mayAsk(turn: Turn, link: Link, rows: number): boolean {
    if (spend(link.quotas.grafts, turn.now, ROWS_OF_A_GRAFT + rows)) return true;
    this.#suspect(turn, link, 'endless grafts and prunes', 1 + Math.floor(rows / MUCH));
    return false;
  }

  #note(link: LinkId, bucket: Bucket, asked: VersionVector): void {
    if (asked.size === 0) return;
    let pending = this.#pending.get(link);
    if (!pending) this.#pending.set(link, (pending = new Map<Bucket, VersionVector>()));
    const former = pending.get(bucket) ?? new VersionVector();
    if (former.intervalCount() + asked.intervalCount() > MAX_EXACT_INTERVALS) return;
    former.merge(asked);
    pending.set(bucket, former);
  }

  nextWakeAt(now: number): number {
    let next = Infinity;
    for (const id of this.#pending.keys())
      next = Math.min(next, this.#core.links.get(id)?.quotas.answers.readyAt(now) ?? now);
    return next;
  }

  /** Answers one frame of each link. The store must show everything that the vectors cover. */
  serve(turn: Turn): void {
    for (const [id, pending] of this.#pending) {
      const link = this.#core.links.get(id);
      const [first] = pending;
      // Who has no room has more under way than what it asks for: anti-entropy brings the rest.
      if (!link || link.closing || !first || !hasPushRoom(link)) this.#pending.delete(id);
      else if (link.quotas.answers.readyAt(turn.now) <= turn.now)
        this.#serveOne(turn, link, pending, ...first);
    }
  }

  #serveOne(turn: Turn, link: Link, pending: Pending, bucket: Bucket, asked: VersionVector): void {
    const [first] = asked.entries();
    const ops = first ? this.#read(turn, bucket, ...first) : undefined;
    if (first) asked.removeAll(first[0], ops ? [first[1][0] as number, ops.upTo] : first[1]);
    if (asked.size === 0) pending.delete(bucket);
    if (pending.size === 0) this.#pending.delete(link.id);
    if (!first || !ops || ops.entries.length === 0) return;
    const [origin] = first;
    const { entries } = ops;
    const seqs = entries.map(({ seq }) => seq);
    const bytes = encodeMessage({
      type: 'push',
      hops: 0,
      bucket: bucket.name,
      origin,
      lo: seqs[0] as number,
      hi: seqs[seqs.length - 1] as number,
      body: packOps(entries),
    });
    turn.sendBytes(link, bytes);
    know(link, bucket, origin, fromAscending(seqs));
    link.traffic.pushesSent += entries.length;
    this.#core.counters.pushesSent += entries.length;
    link.quotas.answers.spend(turn.now, bytes.length);
  }

  /** What stands of these dots, rising by seq, as much as goes into one frame, and up to which seq. */
  #read(turn: Turn, bucket: Bucket, origin: OriginId, set: Intervals): { entries: Entry[]; upTo: number } {
    const entries: Entry[] = [];
    let size = 0;
    for (const [lo, hi] of pairs(set)) {
      for (const { seq, key } of this.#core.view.dots(bucket.name, origin, lo, hi, 'rising')) {
        const entry = standing(turn.get(bucket, key), { origin, seq });
        if (!entry) {
          turn.distrust(bucket, key, { origin, seq });
          continue;
        }
        size += roughSize(entry);
        if (entries.length > 0 && size > TARGET_FRAME_BYTES) return { entries, upTo: seq - 1 };
        entries.push(entry);
      }
    }
    return { entries, upTo: set[set.length - 1] as number };
  }
}
