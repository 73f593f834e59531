import type { LinkId } from '../base/ids.js';
import type { MemberRecord } from '../protocol/members.js';
import type { Link } from '../protocol/link.js';
import type { Members as MembersMessage, Roster as RosterMessage } from '../protocol/messages.js';
import { Announcer } from './announcer.js';
import type { Core } from './core.js';
import { Evictions } from './evictions.js';
import { Members } from './members.js';
import { Roster } from './roster.js';
import { Tombstones } from './tombstones.js';
import type { Turn } from './turn.js';

/** How long deletes are remembered: until every member has them (rules 10 to 12). */
export class Retention {
  readonly members: Members;
  readonly #roster: Roster;
  readonly #announcer: Announcer;
  readonly #evictions: Evictions;
  readonly #tombstones: Tombstones;

  constructor(core: Core, stored: readonly MemberRecord[]) {
    this.members = new Members(core, stored);
    this.#roster = new Roster(core, this.members);
    this.#announcer = new Announcer(core, this.members, this.#roster);
    this.#evictions = new Evictions(core, this.members, this.#roster);
    this.#tombstones = new Tombstones(core, this.members, this.#roster);
  }

  linkUp(turn: Turn, link: Link): void {
    this.#roster.linkUp(turn, link);
  }

  linkDown(link: LinkId): void {
    this.#roster.linkDown(link);
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
    this.#announcer.wake(turn);
    this.#evictions.wake(turn);
    this.#tombstones.wake(turn);
  }

  nextWakeAt(now: number): number {
    return Math.min(
      this.#announcer.nextWakeAt(),
      this.#evictions.nextWakeAt(),
      this.#tombstones.nextWakeAt(now),
    );
  }
}
