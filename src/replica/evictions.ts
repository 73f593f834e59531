import { RumeurError } from '../base/errors.js';
import { stampAt } from '../data/stamp.js';
import { clockOffset } from './clock-offset.js';
import { type Core, peerIdOf } from './core.js';
import { ANNOUNCEMENTS_BEFORE_EVICTION, type Members } from './members.js';
import type { Roster } from './roster.js';
import type { Turn } from './turn.js';

/** How often the age of announcements is looked at, at least, milliseconds. */
const CHECK_MS = 60_000;

/** Ends the membership of peers that will not come back: by hand, and after a long silence. */
export class Evictions {
  readonly #core: Core;
  readonly #members: Members;
  readonly #roster: Roster;
  #checkAt = -Infinity;
  #listeningSince: number | undefined;

  constructor(core: Core, members: Members, roster: Roster) {
    this.#core = core;
    this.#members = members;
    this.#roster = roster;
  }

  /**
   * Until this member announces itself again no tombstone waits for it.
   * @param target its peer id, or an address at which it was met
   * @throws RumeurError `NOT_FOUND`, `ARGUMENT_INVALID`
   */
  evict(turn: Turn, target: string): void {
    const peer = peerIdOf(this.#core, target);
    const record = peer === undefined ? undefined : this.#members.get(peer);
    if (!record) {
      const hint =
        'only peers with a durable store are members; status names those that hold tombstones back';
      throw new RumeurError('NOT_FOUND', `no member is known as '${target}'`, { hint });
    }
    if (peer === this.#core.self.peer) {
      const hint = 'stop it and evict it at another one';
      throw new RumeurError('ARGUMENT_INVALID', 'a peer cannot evict itself', { hint });
    }
    // A later word from before may be known elsewhere only: when it comes it must not undo this.
    const upTo = stampAt(turn.wall + clockOffset(this.#core, turn));
    this.#roster.publish(turn, this.#members.evict(turn, record, upTo));
  }

  /** Evicts members that have fallen silent. */
  wake(turn: Turn): void {
    this.#listeningSince ??= turn.now;
    if (turn.now < this.#checkAt) return;
    const { evictAfterMs, maxClockDriftMs } = this.#core.options;
    const often = evictAfterMs / ANNOUNCEMENTS_BEFORE_EVICTION;
    this.#checkAt = turn.now + Math.min(CHECK_MS, often);
    // By a clock that is off, all others seem old.
    if (Math.abs(clockOffset(this.#core, turn)) > maxClockDriftMs) return;
    const last = stampAt(turn.wall - evictAfterMs);
    for (const record of this.#members.counted()) {
      if (record.number > last || this.#members.isFirm(record.peer)) continue;
      // Who has only begun to listen cannot tell who is silent.
      const heardAt = this.#members.heardAt(record.peer) ?? this.#listeningSince;
      if (turn.now - heardAt >= often) this.#members.evict(turn, record);
    }
  }

  nextWakeAt(): number {
    return this.#members.size > 0 ? this.#checkAt : Infinity;
  }
}
