import type { LinkId, OriginId } from '../../base/ids.js';
import { RecentMap } from '../../base/recent-map.js';
import { count, type Intervals, NO_INTERVALS, subtract } from '../../data/intervals.js';
import { VersionVector } from '../../data/version-vector.js';
import type { Broadcast } from '../../protocol/broadcast.js';
import type { Link } from '../../protocol/link.js';
import type { Have } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { activeLinks, bucketOn, type Core } from '../core.js';
import { hasTooManyGaps, learn } from '../known.js';
import { spend } from '../links/quotas.js';
import { withoutRoom } from '../origin-room.js';
import type { Suspect } from '../suspect.js';
import type { Turn } from '../turn.js';
import { type Kind, Want } from './want.js';

/** What the rest of the replica does about what is announced. */
export interface GraftObserver {
  /** Too much to ask for it one by one. */
  leaveToDelta(now: number): void;
  readonly suspect: Suspect;
}

/** What is announced is mostly under way: it is asked for after this and a round trip, milliseconds. */
const GRACE_MS = 150;
/** An origin's writes that were announced in a row before they came: then what is announced is asked for at once. */
const OVERTAKEN = 3;
/** Origins whose ways are watched, at least: those that wrote last. */
const MOST_WATCHED = 1024;
/** A gap below a push counts as lost on its way if it is no larger than this: a newcomer's is. */
const MOST_GAP = 16;
/** Origins of which something is waited for at a time because this link told of it first. */
const MOST_WANTS = 1024;

/** Somebody else who tells of what another one should have sent by now is asked for it after this, milliseconds. */
const LATE_MS = 1_000;

/**
 * How long an answer is waited for, beside four round trips, in milliseconds; how often somebody is asked before the rest is
 * left to anti-entropy; and whether the link that brings it is to carry later writes too.
 */
const WAYS: Readonly<Record<Kind, { answerMs: number; tries: number; eager: boolean }>> = {
  announced: { answerMs: 350, tries: 4, eager: true },
  offered: { answerMs: 5_000, tries: 3, eager: false },
  gap: { answerMs: 350, tries: 2, eager: false },
};

/** What a message costs as such, in rows of it. */
const ROWS_OF_A_HAVE = 16;
/** Rows beyond the bound that weigh as a misdeed: to read them all is work too. */
const MUCH = 1_000;

interface Missing {
  readonly kind: Kind;
  readonly origin: OriginId;
  readonly set: Intervals;
}

/** What one link is asked for in one turn. */
type Question = Map<Bucket, VersionVector>;

/** Asks for what was announced and does not come, and makes the link that brings it a part of the origin's tree. */
export class Grafts {
  readonly #core: Core;
  readonly #broadcast: Broadcast;
  readonly #observer: GraftObserver;
  /** By origin and kind. */
  readonly #wants = new Map<Bucket, Map<string, Want>>();
  /** How many of them each link has brought about. */
  readonly #counts = new Map<LinkId, number>();
  /** How often in a row an origin's writes were announced by somebody before they came. */
  readonly #overtaken = new RecentMap<OriginId, number>(MOST_WATCHED);
  /** Questions in a row that a link has left without an answer. */
  readonly #unanswered = new Map<LinkId, number>();
  #dueAt = Infinity;

  constructor(core: Core, broadcast: Broadcast, observer: GraftObserver) {
    this.#core = core;
    this.#broadcast = broadcast;
    this.#observer = observer;
  }

  linkDown(link: LinkId): void {
    this.#unanswered.delete(link);
  }

  /** The other side has these. */
  announced(turn: Turn, link: Link, { buckets, onRequest }: Have): void {
    this.#core.counters.havesReceived++;
    const rows = buckets.reduce((sum, [, vector]) => sum + vector.intervalCount(), ROWS_OF_A_HAVE);
    const isTooMuch = buckets.some(([, vector]) => hasTooManyGaps(vector));
    if (isTooMuch || !spend(link.quotas.haves, turn.now, rows))
      return this.#observer.suspect(turn, link, 'endless announcements', 1 + Math.floor(rows / MUCH));
    for (const [name, vector] of buckets) {
      const bucket = bucketOn(this.#core, link, name);
      if (!bucket) continue;
      learn(link, name, vector);
      const news = vector.minus(bucket.vector);
      const missing = news.size === 0 ? news : news.minus(withoutRoom(bucket.vector, news));
      const kind = onRequest ? 'offered' : 'announced';
      for (const [origin, set] of missing.entries()) this.#want(turn, link, bucket, { kind, origin, set });
    }
  }

  /** A push of seqs from `lo` on has brought news: what its origin wrote before should have come before. */
  pushed(turn: Turn, link: Link, bucket: Bucket, origin: OriginId, lo: number): void {
    this.#unanswered.delete(link.id);
    this.#watch(bucket, origin);
    if (lo === 1) return;
    const gap = subtract([1, lo - 1], bucket.vector.get(origin));
    if (gap.length === 0 || count(gap) > MOST_GAP) return;
    this.#want(turn, link, bucket, { kind: 'gap', origin, set: gap });
  }

  /** Although announcements wait, one was here before the write itself: over that link it would have come sooner. */
  #watch(bucket: Bucket, origin: OriginId): void {
    const wants = this.#wants.get(bucket);
    let wasAnnounced = false;
    for (const kind of KINDS) {
      const want = wants?.get(`${kind} ${origin}`);
      if (!want) continue;
      const hasCome = want.came(bucket.vector.get(origin));
      if (kind === 'announced') wasAnnounced = want.asked.length === 0 && hasCome;
      if (want.isIdle) this.#drop(wants, want);
    }
    const times = this.#overtaken.get(origin) ?? 0;
    if (wasAnnounced) this.#overtaken.set(origin, times + 1);
    else if (times > 0) this.#overtaken.set(origin, 0);
  }

  #drop(wants: Map<string, Want> | undefined, { kind, origin, from }: Want): void {
    if (!wants?.delete(`${kind} ${origin}`)) return;
    const count = (this.#counts.get(from) ?? 1) - 1;
    if (count > 0) this.#counts.set(from, count);
    else this.#counts.delete(from);
  }

  /** How long something that was announced over this link may still be under way. */
  #graceOf(origin: OriginId, { rttMs }: Link): number {
    if ((this.#overtaken.get(origin) ?? 0) < OVERTAKEN) return GRACE_MS + (rttMs ?? 0);
    this.#overtaken.set(origin, 0);
    return 0;
  }

  #want(turn: Turn, link: Link, bucket: Bucket, what: Missing): void {
    const { kind, origin, set } = what;
    let wants = this.#wants.get(bucket);
    if (!wants) this.#wants.set(bucket, (wants = new Map<string, Want>()));
    const want = wants.get(`${kind} ${origin}`) ?? new Want(kind, origin, link.id);
    if (!wants.has(`${kind} ${origin}`)) {
      const count = this.#counts.get(link.id) ?? 0;
      if (count >= MOST_WANTS) return;
      this.#counts.set(link.id, count + 1);
      wants.set(`${kind} ${origin}`, want);
    }
    if (!want.tell(turn.now, link.id, set)) return;
    if (kind === 'offered') want.hasten(turn.now, LATE_MS + 4 * (link.rttMs ?? 0));
    // Of what is offered nothing is under way: it is asked for at once, but of one neighbour at a time.
    const graceMs = kind === 'offered' ? 0 : this.#graceOf(origin, link);
    want.dueAt = Math.min(want.dueAt, turn.now + graceMs);
    this.#dueAt = Math.min(this.#dueAt, want.dueAt);
  }

  wake(turn: Turn): void {
    if (turn.now < this.#dueAt) return;
    this.#dueAt = Infinity;
    const links = new Map(activeLinks(this.#core).map((link) => [link.id, link]));
    const eager = new Map<Link, Question>();
    const once = new Map<Link, Question>();
    for (const [bucket, wants] of this.#wants) {
      for (const want of wants.values()) {
        const asked = WAYS[want.kind].eager ? eager : once;
        if (want.dueAt <= turn.now) this.#pursue(turn, links, bucket, want, asked);
        if (want.dueAt === Infinity) this.#drop(wants, want);
        else this.#dueAt = Math.min(this.#dueAt, want.dueAt);
      }
    }
    this.#ask(turn, eager, true);
    this.#ask(turn, once, false);
  }

  /** Asks for what is missing; a want that is of no more use is due never. */
  #pursue(
    turn: Turn,
    links: ReadonlyMap<LinkId, Link>,
    bucket: Bucket,
    want: Want,
    questions: Map<Link, Question>,
  ): void {
    const way = WAYS[want.kind];
    want.came(bucket.vector.get(want.origin));
    for (const link of want.expire(turn.now)) {
      if (want.kind !== 'gap') this.#unanswered.set(link, (this.#unanswered.get(link) ?? 0) + 1);
    }
    if (want.takeMuch()) this.#observer.leaveToDelta(turn.now);
    if (want.tries >= way.tries) want.giveUp(turn.now);
    for (;;) {
      const sources = this.#sources(links, bucket, want);
      const [source] = sources.sort((a, b) => this.#costOf(a.link, want) - this.#costOf(b.link, want));
      if (!source) break;
      const { link, has } = source;
      let question = questions.get(link);
      if (!question) questions.set(link, (question = new Map<Bucket, VersionVector>()));
      let vector = question.get(bucket);
      if (!vector) question.set(bucket, (vector = new VersionVector()));
      vector.addAll(want.origin, has);
      want.ask(turn.now, link.id, has, way.answerMs + 4 * (link.rttMs ?? 0));
      // Each link that is asked would carry later writes too: if this one has not got all, the next one is asked later.
      if (way.eager) break;
    }
    want.dueAt = want.nextAt(turn.now);
  }

  /** Who has told of what is missing, and was not found to hold it back. */
  #sources(links: ReadonlyMap<LinkId, Link>, bucket: Bucket, want: Want): { link: Link; has: Intervals }[] {
    const sources: { link: Link; has: Intervals }[] = [];
    for (const [id, missing] of want.missing()) {
      const link = links.get(id);
      if (!link) want.linkDown(id);
      if (!link || link.refused.has(bucket.name)) continue;
      const has = subtract(missing, bucket.held.get(id)?.dots.get(want.origin) ?? NO_INTERVALS);
      if (has.length > 0) sources.push({ link, has });
    }
    return sources;
  }

  /** Who was not asked yet goes first, then who answers, then who is near. */
  #costOf({ id, rttMs }: Link, { asked }: Want): number {
    const times = asked.filter((other) => other === id).length;
    return times * 1e12 + (this.#unanswered.get(id) ?? 0) * 1e6 + Math.min(rttMs ?? 1e5, 1e5);
  }

  #ask(turn: Turn, questions: ReadonlyMap<Link, Question>, eager: boolean): void {
    for (const [link, question] of questions) {
      const buckets = [...question].map(([{ name }, vector]) => [name, vector] as const);
      this.#core.counters.graftsSent++;
      turn.send(link, { type: 'graft', buckets, eager });
      if (!eager) continue;
      for (const [, vector] of buckets)
        for (const [origin] of vector.entries()) this.#broadcast.graft(origin, link.id);
    }
  }

  nextWakeAt(): number {
    return this.#dueAt;
  }
}

const KINDS = Object.keys(WAYS) as readonly Kind[];
