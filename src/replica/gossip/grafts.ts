import { Allowance, type Rate } from '../../base/allowance.js';
import type { LinkId, OriginId } from '../../base/ids.js';
import { RecentMap } from '../../base/recent-map.js';
import { count, type Intervals, NO_INTERVALS, subtract, union } from '../../data/intervals.js';
import { VersionVector } from '../../data/version-vector.js';
import type { Broadcast } from '../../protocol/broadcast.js';
import { MAX_GRAFT_DOTS, MAX_ORIGINS } from '../../protocol/limits.js';
import type { Link } from '../../protocol/link.js';
import type { Have } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { activeLinks, bucketOn, type Core } from '../core.js';
import { learn } from '../known.js';
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
/** An answer is waited for so long, and for four round trips, milliseconds; what is large takes longer. */
const ANSWER_MS = 350;
const LARGE_ANSWER_MS = 5_000;
/** Times that somebody is asked before the rest is left to anti-entropy. */
const MOST_TRIES = 4;
/** What nobody sent is not asked for again for this long, milliseconds: it may have been superseded. */
const QUIET_MS = 10_000;
/** A gap below a push counts as lost on its way if it is no larger than this: a newcomer's is. */
const MOST_GAP = 16;
/** Origins of which something is waited for at a time, in all buckets together. */
const MOST_WANTS = 4096;
/** Rows of announcements that a link may bring: a sound peer tells of each origin that writes a few times a second. */
const ROWS: Rate = { most: 2 * MAX_ORIGINS, perMs: 50 };

/** What is missing of one origin. */
interface Want {
  /** What was announced or found missing, and has not come. */
  set: Intervals;
  dueAt: number;
  tries: number;
  /** Who was asked, the last one last. */
  asked: LinkId[];
  /** Too large to be pushed unasked. */
  large: boolean;
  /** A push came over this link, and seqs below it had not come: the other side should have them. */
  gap: { readonly link: LinkId; readonly below: number } | undefined;
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
  readonly #wants = new Map<Bucket, Map<OriginId, Want>>();
  readonly #allowances = new Map<LinkId, Allowance>();
  /** How often in a row an origin's writes were announced by somebody before they came. */
  readonly #overtaken = new RecentMap<OriginId, number>(MOST_WATCHED);
  /** Questions in a row that a link has left without an answer. */
  readonly #unanswered = new Map<LinkId, number>();
  #size = 0;
  #dueAt = Infinity;

  constructor(core: Core, broadcast: Broadcast, observer: GraftObserver) {
    this.#core = core;
    this.#broadcast = broadcast;
    this.#observer = observer;
  }

  linkDown(link: LinkId): void {
    this.#allowances.delete(link);
    this.#unanswered.delete(link);
  }

  /** The other side has these. */
  announced(turn: Turn, link: Link, { buckets, onRequest }: Have): void {
    this.#core.counters.havesReceived++;
    const rows = buckets.reduce((sum, [, vector]) => sum + vector.intervalCount(), 1);
    if (!this.#spend(turn, link, rows)) return this.#observer.suspect(turn, link, 'endless announcements', 1);
    for (const [name, vector] of buckets) {
      const bucket = bucketOn(this.#core, link, name);
      if (!bucket) continue;
      learn(link, name, vector);
      const news = vector.minus(bucket.vector);
      const missing = news.size === 0 ? news : news.minus(withoutRoom(bucket.vector, news));
      for (const [origin, set] of missing.entries())
        this.#want(turn, bucket, origin, set, { large: onRequest, link });
    }
  }

  #spend(turn: Turn, { id }: Link, rows: number): boolean {
    let allowance = this.#allowances.get(id);
    if (!allowance) this.#allowances.set(id, (allowance = new Allowance(turn.now, ROWS)));
    if (allowance.readyAt(turn.now) > turn.now) return false;
    allowance.spend(turn.now, rows);
    return true;
  }

  /** A push of seqs from `lo` on has brought news: what its origin wrote before should have come before. */
  pushed(turn: Turn, link: Link, bucket: Bucket, origin: OriginId, lo: number): void {
    this.#unanswered.delete(link.id);
    this.#watch(bucket, origin);
    if (lo === 1) return;
    const gap = subtract([1, lo - 1], bucket.vector.get(origin));
    if (gap.length === 0 || count(gap) > MOST_GAP) return;
    const want = this.#want(turn, bucket, origin, gap, { large: false, link });
    if (want) want.gap = { link: link.id, below: lo };
  }

  /** Although announcements wait, one was here before the write itself: over that link it would have come sooner. */
  #watch(bucket: Bucket, origin: OriginId): void {
    const wants = this.#wants.get(bucket);
    const want = wants?.get(origin);
    const left = want ? subtract(want.set, bucket.vector.get(origin)) : NO_INTERVALS;
    const wasAnnounced = want?.tries === 0 && left.length < want.set.length;
    if (want) want.set = left;
    if (want && left.length === 0 && want.inVain.length === 0) this.#drop(wants, origin);
    const times = this.#overtaken.get(origin) ?? 0;
    if (wasAnnounced) this.#overtaken.set(origin, times + 1);
    else if (times > 0) this.#overtaken.set(origin, 0);
  }

  #drop(wants: Map<OriginId, Want> | undefined, origin: OriginId): void {
    if (wants?.delete(origin)) this.#size--;
  }

  /** How long something that was announced over this link may still be under way. */
  #graceOf(origin: OriginId, { rttMs }: Link): number {
    if ((this.#overtaken.get(origin) ?? 0) < OVERTAKEN) return GRACE_MS + (rttMs ?? 0);
    this.#overtaken.set(origin, 0);
    return 0;
  }

  #want(
    turn: Turn,
    bucket: Bucket,
    origin: OriginId,
    set: Intervals,
    { large, link }: { large: boolean; link: Link },
  ): Want | undefined {
    let wants = this.#wants.get(bucket);
    if (!wants) this.#wants.set(bucket, (wants = new Map<OriginId, Want>()));
    const want = wants.get(origin) ?? newWant();
    if (subtract(set, want.inVain).length === 0) return undefined;
    if (!wants.has(origin)) {
      if (this.#size >= MOST_WANTS) return undefined;
      wants.set(origin, want);
      this.#size++;
    }
    want.set = union(want.set, set);
    want.large = large;
    // Nothing is under way of what is large: it is asked for at once, but of one neighbour at a time.
    const isIdle = want.tries === 0 || want.tries === MOST_TRIES;
    if (want.tries === MOST_TRIES) Object.assign(want, { tries: 0, asked: [], dueAt: Infinity });
    if (isIdle) want.dueAt = Math.min(want.dueAt, large ? turn.now : turn.now + this.#graceOf(origin, link));
    this.#dueAt = Math.min(this.#dueAt, want.dueAt);
    return want;
  }

  wake(turn: Turn): void {
    if (turn.now < this.#dueAt) return;
    this.#dueAt = Infinity;
    const links = activeLinks(this.#core);
    const questions = { eager: new Map<Link, Question>(), once: new Map<Link, Question>() };
    for (const [bucket, wants] of this.#wants) {
      const usable = links.filter(({ refused }) => !refused.has(bucket.name));
      for (const [origin, want] of wants) {
        if (want.dueAt <= turn.now) {
          const asked = want.large ? questions.once : questions.eager;
          if (!this.#pursue(turn, usable, bucket, origin, want, asked)) {
            this.#drop(wants, origin);
            continue;
          }
        }
        this.#dueAt = Math.min(this.#dueAt, want.dueAt);
      }
    }
    this.#ask(turn, questions.eager, true);
    this.#ask(turn, questions.once, false);
  }

  /** @returns whether the want is still of use */
  #pursue(
    turn: Turn,
    links: readonly Link[],
    bucket: Bucket,
    origin: OriginId,
    want: Want,
    questions: Map<Link, Question>,
  ): boolean {
    const sources = links
      .map((link) => ({ link, has: this.#lackedFrom(link, bucket, origin, want) }))
      .filter(({ has }) => has.length > 0);
    const missing = sources.reduce((all, { has }) => union(all, has), NO_INTERVALS);
    if (missing.length === 0) {
      want.dueAt = want.quietUntil;
      return want.quietUntil > turn.now;
    }
    this.#blame(want);
    const isMuch = count(missing) > MAX_GRAFT_DOTS;
    if (isMuch || want.tries === MOST_TRIES) {
      if (isMuch) this.#observer.leaveToDelta(turn.now);
      want.tries = MOST_TRIES;
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
    vector.addAll(origin, has);
    want.tries++;
    want.asked.push(link.id);
    want.dueAt = turn.now + (want.large ? LARGE_ANSWER_MS : ANSWER_MS) + 4 * (link.rttMs ?? 0);
    return true;
  }

  /** What is missing here and may be had over this link. */
  #lackedFrom(link: Link, bucket: Bucket, origin: OriginId, { gap, inVain }: Want): Intervals {
    const known = link.vectors.get(bucket.name)?.get(origin) ?? NO_INTERVALS;
    const has = gap?.link === link.id && gap.below > 1 ? union(known, [1, gap.below - 1]) : known;
    const held = bucket.held.get(link.id)?.dots.get(origin) ?? NO_INTERVALS;
    return subtract(subtract(subtract(has, bucket.vector.get(origin)), held), inVain);
  }

  /** Whoever was asked last has not answered in time. */
  #blame({ asked }: Want): void {
    const last = asked.at(-1);
    if (last !== undefined) this.#unanswered.set(last, (this.#unanswered.get(last) ?? 0) + 1);
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

const newWant = (): Want => ({
  set: NO_INTERVALS,
  dueAt: Infinity,
  tries: 0,
  asked: [],
  large: false,
  gap: undefined,
  inVain: NO_INTERVALS,
  quietUntil: -Infinity,
});
