import { Allowance, type Rate } from '../../base/allowance.js';
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
import type { Suspect } from '../suspect.js';
import type { Turn } from '../turn.js';

/** What one link may ask for, in bytes of answers: what is kept for a lost second of a fast link, then 2 MB a second. */
const ANSWERED: Rate = { most: 16 * 2 ** 20, perMs: 2_000 };
/** The cost of a question itself, and of each interval in it, in the same unit. */
const QUESTION_BYTES = 64;

/** What a link has asked for and not got yet. */
type Pending = Map<Bucket, VersionVector>;

/** Answers grafts, by pushes of what still stands, and heeds what the other side wants to be pushed. */
export class GraftAnswers {
  readonly #core: Core;
  readonly #broadcast: Broadcast;
  readonly #suspect: Suspect;
  readonly #pending = new Map<LinkId, Pending>();
  readonly #allowances = new Map<LinkId, Allowance>();

  constructor(core: Core, broadcast: Broadcast, suspect: Suspect) {
    this.#core = core;
    this.#broadcast = broadcast;
    this.#suspect = suspect;
  }

  linkDown(link: LinkId): void {
    this.#pending.delete(link);
    this.#allowances.delete(link);
  }

  prune({ id }: Link, { origins }: Prune): void {
    this.#core.counters.prunesReceived++;
    for (const origin of origins) this.#broadcast.prune(origin, id);
  }

  graft(turn: Turn, link: Link, { buckets, eager }: Graft): void {
    this.#core.counters.graftsReceived++;
    const intervals = buckets.reduce((sum, [, vector]) => sum + vector.intervalCount(), 0);
    const allowance = this.#allowanceOf(turn, link);
    if (allowance.readyAt(turn.now) > turn.now) return this.#suspect(turn, link, 'endless grafts', 1);
    allowance.spend(turn.now, QUESTION_BYTES * (1 + intervals));
    for (const [name, vector] of buckets) {
      const bucket = bucketOn(this.#core, link, name);
      if (!bucket) continue;
      if (eager) for (const [origin] of vector.entries()) this.#broadcast.graft(origin, link.id);
      this.#note(link.id, bucket, vector.intersect(bucket.vector));
    }
  }

  #allowanceOf({ now }: Turn, { id }: Link): Allowance {
    let allowance = this.#allowances.get(id);
    if (!allowance) this.#allowances.set(id, (allowance = new Allowance(now, ANSWERED)));
    return allowance;
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

  /** Whether something could be sent now. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** Answers one frame of each link. The store must show everything that the vectors cover. */
  serve(turn: Turn): void {
    for (const [id, pending] of this.#pending) {
      const link = this.#core.links.get(id);
      const [first] = pending;
      // Who has no room has more under way than what it asks for: anti-entropy brings the rest.
      if (!link || link.closing || !first || !hasPushRoom(link)) this.#pending.delete(id);
      else this.#serveOne(turn, link, pending, ...first);
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
    this.#allowanceOf(turn, link).spend(turn.now, bytes.length);
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
