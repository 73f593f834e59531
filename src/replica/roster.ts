import { Allowance } from '../base/allowance.js';
import type { LinkId, PeerId } from '../base/ids.js';
import { PUSH_WINDOW_BYTES } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import { type MemberMark, type MemberRecord, rosterOf } from '../protocol/members.js';
import type { Members as MembersMessage, Roster as RosterMessage } from '../protocol/messages.js';
import { activeLinks, type Core } from './core.js';
import { MAX_RECORD_INTERVALS, totalOf, weightOf } from './member-bounds.js';
import type { Members } from './members.js';
import type { Turn } from './turn.js';

/** A neighbour is asked for its records once in this time, milliseconds: two that refuse each other's never end else. */
const ASK_AGAIN_MS = 500;
/** A neighbour that has not told its records this long after its link was opened is no longer waited for, milliseconds. */
const HEARING_MS = 10_000;
/** Intervals of the records in one message, about. */
const MESSAGE_INTERVALS = 2 ** 14;
/**
 * What one link may have told: a unit for each record and each interval. All that is kept may go out in one answer; the
 * next one waits until that is paid off.
 */
const TOLD = { most: 2 * MAX_RECORD_INTERVALS, perMs: 1_000 };

/**
 * Spreads member records: the member tells its neighbours at once, the rest is anti-entropy. Who finds that its
 * records differ sends its roster, and the answer is the records that are newer there.
 */
export class Roster {
  readonly #core: Core;
  readonly #members: Members;
  readonly #askedAt = new Map<LinkId, number>();
  /** Neighbours that have told us their records since the link came up. */
  readonly #heard = new Set<LinkId>();
  readonly #allowances = new Map<LinkId, Allowance>();

  constructor(core: Core, members: Members) {
    this.#core = core;
    this.#members = members;
  }

  linkUp(turn: Turn, link: Link): void {
    this.ask(turn, link);
  }

  linkDown(link: LinkId): void {
    this.#askedAt.delete(link);
    this.#heard.delete(link);
    this.#allowances.delete(link);
  }

  /** The other side has other records. */
  ask(turn: Turn, link: Link): void {
    const askedAt = this.#askedAt.get(link.id) ?? -Infinity;
    if (turn.now - askedAt < ASK_AGAIN_MS) return;
    this.#askedAt.set(link.id, turn.now);
    turn.send(link, { type: 'roster', members: rosterOf(this.#members.all()) });
  }

  /** Tells what is newer here, perhaps nothing, and asks for what is newer there. */
  roster(turn: Turn, link: Link, message: RosterMessage): void {
    const theirs = new Map<PeerId, MemberMark>(message.members.map((mark) => [mark.peer, mark]));
    // Whoever asks without taking the answers, or again and again for all of them, gets no more: asking costs nothing.
    const allowance = this.#allowanceOf(turn, link);
    if (hasRoom(link) && allowance.readyAt(turn.now) <= turn.now) {
      const news = [...this.#members.all()].filter((record) => isNews(record, theirs.get(record.peer)));
      allowance.spend(turn.now, news.length + totalOf(news));
      for (const records of batches(news)) turn.send(link, { type: 'members', records });
    }
    if (message.members.some((mark) => isNews(mark, this.#members.get(mark.peer)))) this.ask(turn, link);
  }

  #allowanceOf({ now }: Turn, { id }: Link): Allowance {
    const allowance = this.#allowances.get(id) ?? new Allowance(now, TOLD);
    this.#allowances.set(id, allowance);
    return allowance;
  }

  members(turn: Turn, link: Link, message: MembersMessage): void {
    this.#heard.add(link.id);
    for (const record of message.records) this.#members.take(turn, link, record);
  }

  /** Tells the neighbours at once; they do not pass it on but by anti-entropy, so nothing is flooded. */
  publish(turn: Turn, record: MemberRecord): void {
    for (const link of activeLinks(this.#core)) {
      if (hasRoom(link)) turn.send(link, { type: 'members', records: [record] });
    }
  }

  /** Whether we know the members that our neighbours know: before that, tombstones may wait for somebody unheard of. */
  isSettled(now: number): boolean {
    return activeLinks(this.#core).every(
      ({ id, openedAt }) => this.#heard.has(id) || now - openedAt >= HEARING_MS,
    );
  }
}

const isNews = (ours: MemberMark, theirs: MemberMark | undefined): boolean =>
  !theirs || ours.number > theirs.number || ours.evictedUpTo > theirs.evictedUpTo;

const hasRoom = ({ flow }: Link): boolean => flow.sent - flow.acknowledged < PUSH_WINDOW_BYTES;

/** Records in messages of a bounded size; one message at least, as an answer is waited for. */
function* batches(records: readonly MemberRecord[]): Iterable<MemberRecord[]> {
  let batch: MemberRecord[] = [];
  let size = 0;
  for (const record of records) {
    if (size > MESSAGE_INTERVALS) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(record);
    size += weightOf(record);
  }
  yield batch;
}
