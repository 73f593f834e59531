import type { LinkId, OriginId } from '../../base/ids.js';
import { RecentMap } from '../../base/recent-map.js';
import { count, intersect, type Intervals, NO_INTERVALS, subtract, union } from '../../data/intervals.js';
import { VersionVector } from '../../data/version-vector.js';
import type { Broadcast } from '../../protocol/broadcast.js';
import { MAX_GRAFT_DOTS } from '../../protocol/limits.js';
import type { Link } from '../../protocol/link.js';
import type { Have } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { activeLinks, bucketOn, type Core } from '../core.js';
import { learn } from '../known.js';
import { spend } from '../links/quotas.js';
import { withoutRoom } from '../origin-room.js';
import type { Suspect } from '../suspect.js';
import type { Turn } from '../turn.js';

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
/** What nobody sent is not asked for again for this long, milliseconds: it may have been superseded. */
const QUIET_MS = 10_000;
/** A gap below a push counts as lost on its way if it is no larger than this: a newcomer's is. */
const MOST_GAP = 16;
/** Origins of which something is waited for at a time because this link told of it first. */
const MOST_WANTS = 1024;

/**
 * Why something is missing: it was announced and does not come; it was offered, being too large to be pushed unasked; or a
 * push has left a gap below it.
 */
type Kind = 'announced' | 'offered' | 'gap';

/**
 * How long an answer is waited for, beside four round trips, in milliseconds; how often somebody is asked before the rest is
 * left to anti-entropy; and whether the link that brings it is to carry later writes too.
 */
const WAYS: Readonly<Record<Kind, { answerMs: number; tries: number; eager: boolean }>> = {
  announced: { answerMs: 350, tries: 4, eager: true },
  offered: { answerMs: 5_000, tries: 3, eager: false },
  gap: { answerMs: 350, tries: 2, eager: false },
};

/** What is missing of one origin. */
interface Want {
  readonly kind: Kind;
  readonly origin: OriginId;
  /** Who told of it first; of a gap, whose push left it: only the other side of this link is asked then. */
  readonly from: LinkId;
  /** What was told of and has not come. */
  set: Intervals;
  dueAt: number;
  tries: number;
  /** Who was asked, the last one last. */
  asked: LinkId[];
  /** What nobody sent, and until when it is not asked for. */
  inVain: Intervals;
  quietUntil: number;
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
    const rows = buckets.reduce((sum, [, vector]) => sum + vector.intervalCount(), 1);
    if (!spend(link.quotas.haves, turn.now, rows))
      return this.#observer.suspect(turn, link, 'endless announcements', 1);
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
      const left = subtract(want.set, bucket.vector.get(origin));
      if (kind === 'announced') wasAnnounced = want.tries === 0 && left.length < want.set.length;
      want.set = left;
      if (left.length === 0 && want.inVain.length === 0) this.#drop(wants, want);
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

  #want(turn: Turn, link: Link, bucket: Bucket, what: Pick<Want, 'kind' | 'origin' | 'set'>): void {
    const { kind, origin, set } = what;
    let wants = this.#wants.get(bucket);
    if (!wants) this.#wants.set(bucket, (wants = new Map<string, Want>()));
    const want = wants.get(`${kind} ${origin}`) ?? newWant(kind, origin, link.id);
    if (subtract(set, want.inVain).length === 0) return;
    if (!wants.has(`${kind} ${origin}`)) {
      const count = this.#counts.get(link.id) ?? 0;
      if (count >= MOST_WANTS) return;
      this.#counts.set(link.id, count + 1);
      wants.set(`${kind} ${origin}`, want);
    }
    want.set = union(want.set, set);
    if (want.tries === WAYS[kind].tries) Object.assign(want, { tries: 0, asked: [], dueAt: Infinity });
    // Of what is offered nothing is under way: it is asked for at once, but of one neighbour at a time.
    const graceMs = kind === 'offered' ? 0 : this.#graceOf(origin, link);
    if (want.tries === 0) want.dueAt = Math.min(want.dueAt, turn.now + graceMs);
    this.#dueAt = Math.min(this.#dueAt, want.dueAt);
  }

  wake(turn: Turn): void {
    if (turn.now < this.#dueAt) return;
    this.#dueAt = Infinity;
    const links = activeLinks(this.#core);
    const eager = new Map<Link, Question>();
    const once = new Map<Link, Question>();
    for (const [bucket, wants] of this.#wants) {
      const usable = links.filter(({ refused }) => !refused.has(bucket.name));
      for (const want of wants.values()) {
        const asked = WAYS[want.kind].eager ? eager : once;
        if (want.dueAt <= turn.now && !this.#pursue(turn, usable, bucket, want, asked))
          this.#drop(wants, want);
        else this.#dueAt = Math.min(this.#dueAt, want.dueAt);
      }
    }
    this.#ask(turn, eager, true);
    this.#ask(turn, once, false);
  }

  /** @returns whether the want is still of use */
  #pursue(
    turn: Turn,
    links: readonly Link[],
    bucket: Bucket,
    want: Want,
    questions: Map<Link, Question>,
  ): boolean {
    const sources = links
      .map((link) => ({ link, has: this.#lackedFrom(link, bucket, want) }))
      .filter(({ has }) => has.length > 0);
    const missing = sources.reduce((all, { has }) => union(all, has), NO_INTERVALS);
    if (missing.length === 0) {
      want.dueAt = want.quietUntil;
      return want.quietUntil > turn.now;
    }
    const way = WAYS[want.kind];
    this.#blame(want);
    const isMuch = count(missing) > MAX_GRAFT_DOTS;
    if (isMuch || want.tries === way.tries) {
      if (isMuch) this.#observer.leaveToDelta(turn.now);
      want.tries = way.tries;
      want.inVain = union(want.inVain, missing);
      want.dueAt = want.quietUntil = turn.now + QUIET_MS;
      return true;
    }
    sources.sort((a, b) => this.#costOf(a.link, want) - this.#costOf(b.link, want));
    const { link, has } = sources[0] as (typeof sources)[number];
    let question = questions.get(link);
    if (!question) questions.set(link, (question = new Map<Bucket, VersionVector>()));
    let vector = question.get(bucket);
    if (!vector) question.set(bucket, (vector = new VersionVector()));
    vector.addAll(want.origin, has);
    want.tries++;
    want.asked.push(link.id);
    want.dueAt = turn.now + way.answerMs + 4 * (link.rttMs ?? 0);
    return true;
  }

  /** What is missing here and may be had over this link. */
  #lackedFrom(link: Link, bucket: Bucket, { kind, origin, from, set, inVain }: Want): Intervals {
    const missing = subtract(subtract(set, bucket.vector.get(origin)), inVain);
    // Of what left a gap nobody has told; its sender should have it.
    if (kind === 'gap') return link.id === from ? missing : NO_INTERVALS;
    const known = link.vectors.get(bucket.name)?.get(origin) ?? NO_INTERVALS;
    const held = bucket.held.get(link.id)?.dots.get(origin) ?? NO_INTERVALS;
    return subtract(intersect(missing, known), held);
  }

  /** Whoever was asked last has not answered in time. */
  #blame({ kind, asked }: Want): void {
    const last = asked.at(-1);
    if (last !== undefined && kind !== 'gap')
      this.#unanswered.set(last, (this.#unanswered.get(last) ?? 0) + 1);
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

const newWant = (kind: Kind, origin: OriginId, from: LinkId): Want => ({
  kind,
  origin,
  from,
  set: NO_INTERVALS,
  dueAt: Infinity,
  tries: 0,
  asked: [],
  inVain: NO_INTERVALS,
  quietUntil: -Infinity,
});
