import type { LinkId } from '../base/ids.js';
import { isDown, isEvicted, type MemberRecord } from '../protocol/members.js';
import type { Link } from '../protocol/link.js';
import type { Members as MembersMessage, Roster as RosterMessage } from '../protocol/messages.js';
import { Announcer } from './announcer.js';
import { type Core, linkTo } from './core.js';
import { Evictions } from './evictions.js';
import { Members } from './members.js';
import type { Suspect } from './suspect.js';
import { Roster } from './roster.js';
import { Tombstones } from './tombstones.js';
import type { Turn } from './turn.js';

/** What it weighs as a misdeed to tell of us what we have not announced: three in a row are too many. */
const FORGERY = 34;

/** What the rest of the replica does about what is heard of members. */
export interface RetentionObserver {
  readonly suspect: Suspect;
  /** A neighbour tells of a member, and where it is. */
  met(turn: Turn, link: Link, record: MemberRecord): void;
}

/** How long deletes are remembered: until every member has them (rules 10 to 12). */
export class Retention {
  readonly members: Members;
  readonly #roster: Roster;
  readonly #announcer: Announcer;
  readonly #evictions: Evictions;
  readonly #tombstones: Tombstones;

  constructor(core: Core, stored: readonly MemberRecord[], observer: RetentionObserver) {
    this.members = new Members(core, stored, {
      markedDown: (turn, record) => this.#roster.publishMark(turn, record),
      learned: (turn, link, record) => this.#learned(core, turn, link, record, observer),
      leftAside: (turn, link, until) => this.#roster.leftAside(turn, link, until),
      forged: (turn, link) =>
        observer.suspect(turn, link, 'an announcement of ours that we never made', FORGERY),
      contradicted: (turn) => this.#announcer.contradicted(turn.now),
    });
    this.#roster = new Roster(core, this.members);
    this.#announcer = new Announcer(core, this.members, this.#roster);
    this.#evictions = new Evictions(core, this.members, this.#roster);
    this.#tombstones = new Tombstones(core, this.members, this.#roster, this.#announcer);
  }

  #learned(core: Core, turn: Turn, link: Link, record: MemberRecord, observer: RetentionObserver): void {
    if (record.peer === core.self.peer) return;
    if (!isEvicted(record)) observer.met(turn, link, record);
    // Who is said to be down and is linked to us hears of it from us, so that it can say that it is not.
    const subject = isDown(record) ? linkTo(core, record.peer) : undefined;
    if (subject) this.#roster.publishMark(turn, record, [subject]);
  }

  linkUp(turn: Turn, link: Link): void {
    this.#roster.linkUp(turn, link);
  }

  linkDown(turn: Turn, link: LinkId): void {
    this.#roster.linkDown(turn, link);
  }

  /** The other side's records differ from ours. */
  differ(turn: Turn, link: Link): void {
    this.#roster.ask(turn, link);
  }

  roster(turn: Turn, link: Link, message: RosterMessage): void {
    this.#roster.roster(turn, link, message);
  }

  told(turn: Turn, link: Link, message: MembersMessage): void {
    this.#roster.members(turn, link, message);
  }

  /** @throws RumeurError `NOT_FOUND`, `ARGUMENT_INVALID` */
  evict(turn: Turn, target: string): void {
    this.#evictions.evict(turn, target);
  }

  flushed(turn: Turn, mark: number): void {
    this.#announcer.flushed(turn, mark);
  }

  wake(turn: Turn): void {
    this.members.wake(turn);
    this.#roster.wake(turn);
    this.#announcer.wake(turn);
    this.#evictions.wake(turn);
    this.#tombstones.wake(turn);
  }

  nextWakeAt(now: number): number {
    return Math.min(
      this.#roster.nextWakeAt(),
      this.#announcer.nextWakeAt(),
      this.#evictions.nextWakeAt(),
      this.#tombstones.nextWakeAt(now),
    );
  }
}
