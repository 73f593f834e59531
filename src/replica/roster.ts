import type { LinkId } from '../base/ids.js';
import { hasPushRoom, type Link } from '../protocol/link.js';
import { isNews, type MemberMark, type MemberRecord, markOf } from '../protocol/members.js';
import type { Members as MembersMessage, Roster as RosterMessage } from '../protocol/messages.js';
import { activeLinks, type Core } from './core.js';
import { totalOf, weightOf } from './member-bounds.js';
import type { Members } from './members.js';
import { hasCrossed, noteTheirs, openTalk, type Talk } from './roster-talk.js';
import type { Turn } from './turn.js';

/** A neighbour is asked for its records once in this time, milliseconds: two that refuse each other's never end else. */
const ASK_AGAIN_MS = 500;
/**
 * When nothing has changed here since the last roster and the records differ all the same, the other side has refused
 * some, or believes that we have what we refused: all is told anew, once in this time, milliseconds.
 */
const FULL_AGAIN_MS = 60_000;
/**
 * What was left aside, as it was from the future, the other side takes for told. It is asked for when its time has come:
 * by a full roster, as only that says what we lack, and on one link once in this time, milliseconds. A peer whose clock is
 * off leaves something aside again and again.
 */
const DUE_AGAIN_MS = 5_000;
/** How often the wall clock is looked at while something is left aside: it may be set right, milliseconds. */
const DUE_LOOK_MS = 1_000;
/** One neighbour is asked at a time, as several would send the same; for so long its answer is waited for, milliseconds. */
const ANSWER_MS = 2_000;
/** A neighbour that has not told its records this long after its link was opened is no longer waited for, milliseconds. */
const HEARING_MS = 10_000;
/** Intervals of the records in one message: all but the last one of an answer hold more, and the last one does not. */
const MESSAGE_INTERVALS = 2 ** 14;
/**
 * Spreads member records: the member tells its neighbours at once, the rest is anti-entropy. Who finds that its
 * records differ sends its roster, and the answer is the records that are newer there. On a link the first roster names
 * all, later ones what has changed since: in a large cluster something always has, and all of it would be a lot.
 */
export class Roster {
  readonly #core: Core;
  readonly #members: Members;
  readonly #talks = new Map<LinkId, Talk>();
  /** Who is being asked. */
  #asking: { readonly link: LinkId; readonly until: number } | undefined;
  /** Who is asked next. */
  readonly #waiting = new Set<LinkId>();
  /** When to look whether the time of something that was left aside has come. */
  #lookAt = Infinity;

  constructor(core: Core, members: Members) {
    this.#core = core;
    this.#members = members;
  }

  linkUp(turn: Turn, link: Link): void {
    this.ask(turn, link);
  }

  linkDown(turn: Turn, link: LinkId): void {
    this.#talks.delete(link);
    this.#waiting.delete(link);
    if (this.#asking?.link === link) this.#askNext(turn);
  }

  #talkOn({ now }: Turn, { id }: Link): Talk {
    let talk = this.#talks.get(id);
    if (!talk) this.#talks.set(id, (talk = openTalk(now)));
    return talk;
  }

  /** The other side has other records. @returns whether it is asked for them now, not later or in a while again */
  ask(turn: Turn, link: Link): boolean {
    const talk = this.#talkOn(turn, link);
    if (turn.now - talk.askedAt < ASK_AGAIN_MS) return false;
    if (this.#isOthersTurn(turn, link)) {
      this.#waiting.add(link.id);
      return false;
    }
    this.#begin(turn, link, talk);
    return true;
  }

  /** Whoever is asked again while others wait gets no more time: it would never be their turn. */
  #isOthersTurn({ now }: Turn, { id }: Link): boolean {
    const { link, until } = this.#asking ?? { link: id, until: Infinity };
    if (now < until) return link !== id;
    const [first = id] = this.#waiting;
    return first !== id;
  }

  #begin(turn: Turn, link: Link, talk: Talk): void {
    const isAgain = this.#asking?.link === link.id && turn.now < this.#asking.until;
    if (!isAgain) this.#asking = { link: link.id, until: turn.now + ANSWER_MS };
    this.#waiting.delete(link.id);
    talk.askedAt = turn.now;
    const changed = talk.fullAt === -Infinity ? undefined : this.#members.changedSince(talk.toldUpTo);
    const isStuck = changed?.length === 0 && turn.now - talk.fullAt >= FULL_AGAIN_MS;
    const isDue = hasDue(turn, talk);
    const full = changed === undefined || isStuck || isDue;
    if (full) talk.fullAt = turn.now;
    if (isDue) talk.dueAt = Infinity;
    talk.toldUpTo = this.#members.version;
    const told = full ? [...this.#members.all()] : changed.filter((record) => !hasCrossed(talk, record));
    turn.send(link, { type: 'roster', full, members: told.map(markOf) });
  }

  /** The answer has come, or will not. */
  #askNext(turn: Turn): void {
    this.#asking = undefined;
    for (const id of this.#waiting) {
      this.#waiting.delete(id);
      const link = this.#core.links.get(id);
      if (link && !link.closing && this.ask(turn, link)) return;
    }
  }

  /** Tells what is newer here, perhaps nothing, and asks for what is newer there. */
  roster(turn: Turn, link: Link, { full, members }: RosterMessage): void {
    const talk = this.#talkOn(turn, link);
    const { theirs, allowance } = talk;
    if (full) theirs.clear();
    for (const mark of members) this.#note(talk, mark, false);
    for (const mark of members) this.#members.mark(turn, link, mark);
    // Whoever asks without taking the answers, or again and again for all of them, gets no more: asking costs nothing.
    if (hasPushRoom(link) && allowance.readyAt(turn.now) <= turn.now) {
      const news = [...this.#members.all()].filter((record) => isNews(record, theirs.get(record.peer)));
      allowance.spend(turn.now, news.length + totalOf(news));
      for (const records of batches(news)) this.#send(turn, link, records);
    }
    if (members.some((mark) => isNews(mark, this.#members.get(mark.peer)))) this.ask(turn, link);
  }

  #send(turn: Turn, link: Link, records: readonly MemberRecord[]): void {
    const talk = this.#talkOn(turn, link);
    for (const record of records) this.#note(talk, record, true);
    turn.send(link, { type: 'members', records });
  }

  #note(talk: Talk, mark: MemberMark, crossed: boolean): void {
    noteTheirs(talk, mark, crossed, (peer) => this.#members.get(peer) !== undefined);
  }

  members(turn: Turn, link: Link, message: MembersMessage): void {
    const talk = this.#talkOn(turn, link);
    talk.heard = true;
    for (const record of message.records) {
      this.#note(talk, record, true);
      this.#members.take(turn, link, record);
    }
    const isLast = totalOf(message.records) <= MESSAGE_INTERVALS;
    if (isLast && this.#asking?.link === link.id) this.#askNext(turn);
  }

  /** Tells the neighbours at once; they do not pass it on but by anti-entropy, so nothing is flooded. */
  publish(turn: Turn, record: MemberRecord): void {
    for (const link of activeLinks(this.#core)) if (hasPushRoom(link)) this.#send(turn, link, [record]);
  }

  /** The same of a mark that others have set: who has the record needs no more. */
  publishMark(turn: Turn, record: MemberRecord, links: readonly Link[] = activeLinks(this.#core)): void {
    for (const link of links) {
      if (hasPushRoom(link)) turn.send(link, { type: 'roster', full: false, members: [markOf(record)] });
    }
  }

  /** What the neighbour has told was left aside, as it is from the future until then by the wall clock. */
  leftAside(turn: Turn, link: Link, until: number): void {
    const talk = this.#talkOn(turn, link);
    talk.dueAt = Math.min(talk.dueAt, until);
    this.#lookAt = Math.min(this.#lookAt, turn.now + DUE_LOOK_MS);
  }

  wake(turn: Turn): void {
    if (turn.now >= this.#answerBy()) this.#askNext(turn);
    if (turn.now >= this.#lookAt) this.#askForDue(turn);
  }

  /** By the wall clock, which may jump: hence looked at again and again. */
  #askForDue(turn: Turn): void {
    this.#lookAt = Infinity;
    for (const [id, talk] of this.#talks) {
      if (talk.dueAt === Infinity) continue;
      this.#lookAt = turn.now + DUE_LOOK_MS;
      const link = this.#core.links.get(id);
      if (link && !link.closing && hasDue(turn, talk)) this.ask(turn, link);
    }
  }

  /** Who does not answer holds up nobody for longer than that. */
  #answerBy(): number {
    return this.#asking && this.#waiting.size > 0 ? this.#asking.until : Infinity;
  }

  nextWakeAt(): number {
    return Math.min(this.#answerBy(), this.#lookAt);
  }

  /** Whether we know the members that our neighbours know: before that, tombstones may wait for somebody unheard of. */
  isSettled(now: number): boolean {
    return activeLinks(this.#core).every(
      ({ id, openedAt }) => this.#talks.get(id)?.heard === true || now - openedAt >= HEARING_MS,
    );
  }
}

/** Whether it is time to ask for what was left aside. */
const hasDue = ({ now, wall }: Turn, { dueAt, fullAt }: Talk): boolean =>
  wall >= dueAt && now - fullAt >= DUE_AGAIN_MS;

/** Records in messages of a bounded size. The last one is small, perhaps empty: so the other side sees that it is the last. */
function* batches(records: readonly MemberRecord[]): Iterable<MemberRecord[]> {
  let batch: MemberRecord[] = [];
  let size = 0;
  for (const record of records) {
    batch.push(record);
    size += weightOf(record);
    if (size <= MESSAGE_INTERVALS) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  yield batch;
}
