import type { PeerId } from '../base/ids.js';
import { stampMillis } from '../data/stamp.js';
import type { Link } from '../protocol/link.js';
import { isDown, isEvicted, type MemberRecord } from '../protocol/members.js';
import { Complaints } from './complaints.js';
import type { Turn } from './turn.js';

/** Tells people what changes among the members. Whoever says such things again and again does not fill the log. */
export class MemberNews {
  readonly #self: PeerId;
  readonly #complaints = new Complaints();

  constructor(self: PeerId) {
    this.#self = self;
  }

  refused(turn: Turn, link: Link, record: MemberRecord, why: string): void {
    const from = link.hello?.peer ?? link.remote;
    const level = this.#complaints.level(from, `member that ${why}`, turn.now);
    const message = `what ${nameOf(link)} says of member ${record.name} ${why}`;
    turn.note(level, 'member-refused', message, { peer: record.peer, from });
  }

  forgotten(turn: Turn, loser: MemberRecord, winner: MemberRecord): void {
    const message = `member ${loser.name} is forgotten to make room for ${winner.name}`;
    turn.note('warn', 'member-forgotten', message, { peer: loser.peer });
  }

  /** An announcement of ours that we know nothing of. */
  forged(turn: Turn, link: Link, record: MemberRecord): void {
    const from = link.hello?.peer ?? link.remote;
    const message = `${nameOf(link)} tells an announcement that this peer has not made: this store was restored from an older copy, or somebody made it up`;
    const fields = { from, number: stampMillis(record.number) };
    turn.note(this.#complaints.level(from, 'own record', turn.now), 'own-record', message, fields);
  }

  changed(turn: Turn, former: MemberRecord | undefined, next: MemberRecord): void {
    const fields = { peer: next.peer, number: stampMillis(next.number) };
    const warn = (kind: string): 'warn' | 'debug' => this.#complaints.level(next.peer, kind, turn.now);
    if (isEvicted(next)) {
      if (former && isEvicted(former)) return;
      const message = `member ${next.name} was evicted: tombstones no longer wait for it`;
      turn.note(warn('evicted'), 'member-evicted', message, fields);
    } else if (next.peer === this.#self) {
      return;
    } else if (!former) {
      turn.note('info', 'member-joined', `${next.name} is a member: tombstones wait for it`, fields);
    } else if (isEvicted(former)) {
      const message = `member ${next.name} is back: tombstones wait for it again`;
      turn.note('info', 'member-returned', message, fields);
    } else if (isDown(next) && !isDown(former)) {
      const message = `member ${next.name} is down: tombstones wait for it`;
      turn.note(warn('down'), 'member-down', message, fields);
    } else if (isDown(former) && !isDown(next)) {
      turn.note('info', 'member-up', `member ${next.name} is up again`, fields);
    }
  }
}

const nameOf = ({ hello, remote }: Link): string => hello?.name ?? remote;
