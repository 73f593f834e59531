import type { LinkId, OriginId } from '../../base/ids.js';
import {
  count,
  highest,
  intersect,
  type Intervals,
  NO_INTERVALS,
  subtract,
  union,
} from '../../data/intervals.js';
import { MAX_GRAFT_DOTS } from '../../protocol/limits.js';

/**
 * Why something is missing: it was announced and does not come; it was offered, being too large to be pushed unasked; or a
 * push has left a gap below it.
 */
export type Kind = 'announced' | 'offered' | 'gap';

/** What nobody sent is not asked for again of those who told of it, for this long, milliseconds: it may be superseded. */
const QUIET_MS = 10_000;

/** What one link was asked for and has not sent. */
interface Question {
  readonly link: LinkId;
  set: Intervals;
  readonly askedAt: number;
  until: number;
}

/**
 * What is missing of one origin, for one reason, and who told of it. What each link told counts for itself: who tells of
 * what is not there keeps nothing that others tell from being asked for.
 */
export class Want {
  readonly kind: Kind;
  readonly origin: OriginId;
  /** Who told of it first. */
  readonly from: LinkId;
  readonly #told = new Map<LinkId, Intervals>();
  /** What was asked for in vain, or is too much to be asked for one by one; until `#quietUntil`. */
  readonly #vain = new Map<LinkId, Intervals>();
  #quietUntil = -Infinity;
  #open: Question[] = [];
  /** What the questions that were not answered asked for. */
  #late: Intervals = NO_INTERVALS;
  #hasMuch = false;
  dueAt = Infinity;
  /** Questions in a row without an answer. */
  tries = 0;
  /** Who was asked. */
  asked: LinkId[] = [];

  constructor(kind: Kind, origin: OriginId, from: LinkId) {
    this.kind = kind;
    this.origin = origin;
    this.from = from;
  }

  /** @returns whether the link has not told of all that before */
  tell(now: number, link: LinkId, set: Intervals): boolean {
    const isQuiet = now < this.#quietUntil;
    const vain = (isQuiet ? this.#vain.get(link) : undefined) ?? NO_INTERVALS;
    const news = subtract(set, vain);
    if (news.length === 0) return false;
    const told = union(this.#told.get(link) ?? NO_INTERVALS, news);
    if (count(told) > MAX_GRAFT_DOTS) {
      this.#told.delete(link);
      this.#vain.set(link, compact(union(vain, told)));
      this.#quietUntil = now + QUIET_MS;
      this.#hasMuch = true;
    } else this.#told.set(link, told);
    return true;
  }

  /** Whether a link has told of too much to ask for it one by one, since the last look. */
  takeMuch(): boolean {
    const hasMuch = this.#hasMuch;
    this.#hasMuch = false;
    return hasMuch;
  }

  /** @returns whether anything has come of what is missing */
  came(covered: Intervals): boolean {
    let hasCome = false;
    for (const [link, set] of this.#told) {
      const left = subtract(set, covered);
      if (left.length > 0) this.#told.set(link, left);
      else this.#told.delete(link);
      hasCome ||= count(left) < count(set);
    }
    if (hasCome) for (const question of this.#open) question.set = subtract(question.set, covered);
    return hasCome;
  }

  get isIdle(): boolean {
    return this.#told.size === 0 && this.#vain.size === 0;
  }

  /** Somebody else has told of it: a question that should long have been answered is waited for no longer. */
  hasten(now: number, patienceMs: number): void {
    for (const question of this.#open)
      if (question.askedAt + patienceMs <= now) question.until = Math.min(question.until, now);
  }

  /** Ends the questions that were not answered in time. @returns who has not answered */
  expire(now: number): LinkId[] {
    const late = this.#open.filter(({ until, set }) => until <= now && set.length > 0);
    this.#open = this.#open.filter(({ until, set }) => until > now && set.length > 0);
    if (late.length > 0) this.tries++;
    for (const { set } of late) this.#late = union(this.#late, set);
    return late.map(({ link }) => link);
  }

  /** What was asked for in vain is not asked for any more, but when others tell of it. */
  giveUp(now: number): void {
    if (now >= this.#quietUntil) this.#vain.clear();
    for (const [link, set] of this.#told) {
      const vain = union(this.#vain.get(link) ?? NO_INTERVALS, intersect(set, this.#late));
      if (vain.length > 0) this.#vain.set(link, compact(vain));
      const left = subtract(set, this.#late);
      if (left.length > 0) this.#told.set(link, left);
      else this.#told.delete(link);
    }
    Object.assign(this, { tries: 0, asked: [] });
    this.#late = NO_INTERVALS;
    this.#quietUntil = now + QUIET_MS;
  }

  /** What each link told of that is missing and was not asked for. */
  *missing(): Iterable<readonly [LinkId, Intervals]> {
    const busy = this.#open.reduce((all, { set }) => union(all, set), NO_INTERVALS);
    for (const [link, set] of this.#told) {
      const left = subtract(set, busy);
      if (left.length > 0) yield [link, left];
    }
  }

  ask(now: number, link: LinkId, set: Intervals, untilMs: number): void {
    this.#open.push({ link, set, askedAt: now, until: now + untilMs });
    this.asked.push(link);
  }

  linkDown(link: LinkId): void {
    this.#told.delete(link);
    this.#vain.delete(link);
  }

  /** When the next question is given up, or what was in vain is forgotten; infinite if there is nothing to wait for. */
  nextAt(now: number): number {
    const ends = this.#open.map(({ until }) => until);
    return Math.min(...ends, now < this.#quietUntil ? this.#quietUntil : Infinity);
  }
}

/** A set with many gaps as if it had none: it only says what to leave alone for a while. */
const compact = (set: Intervals): Intervals => (set.length > 2 * MAX_GRAFT_DOTS ? [1, highest(set)] : set);
