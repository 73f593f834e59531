import { equalBytes } from '../base/bytes.js';
import type { BucketName, OriginId } from '../base/ids.js';
import { nextStamp, type Stamp, STAMP_ZERO, stampMillis } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';
import { isEvicted, type MemberRecord } from '../protocol/members.js';
import { Complaints } from './complaints.js';
import type { Core } from './core.js';
import { isAnnounceable } from './member-bounds.js';
import { ANNOUNCEMENTS_BEFORE_EVICTION, type Members } from './members.js';
import type { Roster } from './roster.js';
import type { Turn } from './turn.js';

/** Origins that an announcement names at most: the present one and the latest former ones. */
const MAX_OWN_ORIGINS = 8;

type Vectors = readonly (readonly [BucketName, VersionVector])[];

/**
 * Tells the cluster what of our data is on the disk (rule 10): from then on tombstones no longer wait for us. Only for
 * peers with a durable store, and always of a state that was flushed before.
 */
export class Announcer {
  readonly #core: Core;
  readonly #members: Members;
  readonly #roster: Roster;
  readonly #complaints = new Complaints();
  #lookAt = 0;
  #lastMark = 0;
  /** What is announced once it is on the disk. */
  #flushing: { readonly mark: number; readonly vectors: Vectors; readonly uncoverings: number } | undefined;

  constructor(core: Core, members: Members, roster: Roster) {
    this.#core = core;
    this.#members = members;
    this.#roster = roster;
  }

  wake(turn: Turn): void {
    if (this.#flushing || turn.now < this.nextWakeAt()) return;
    this.#lookAt = turn.now + this.#core.options.announceMs;
    if (!this.#isDue(turn)) return;
    this.#flushing = {
      mark: ++this.#lastMark,
      vectors: this.#vectors(),
      uncoverings: this.#core.counters.uncoverings,
    };
    turn.requestFlush(this.#lastMark);
  }

  #vectors(): Vectors {
    return [...this.#core.buckets.values()].map(({ name, vector }) => [name, vector.clone()] as const);
  }

  #isDue(turn: Turn): boolean {
    const { options, origin, buckets } = this.#core;
    const own = this.#members.own;
    if (!own || isEvicted(own) || this.#members.isBeyond(own, turn.wall)) return true;
    if (own.origins[0] !== origin || own.name !== options.name) return true;
    const silentMs = turn.wall - stampMillis(own.number);
    if (silentMs >= options.evictAfterMs / ANNOUNCEMENTS_BEFORE_EVICTION) return true;
    const announced = new Map(own.vectors);
    const isSame = ({ name, vector }: { name: BucketName; vector: VersionVector }): boolean => {
      const known = announced.get(name);
      return known !== undefined && equalBytes(known.hash(), vector.hash());
    };
    return announced.size !== buckets.size || ![...buckets.values()].every(isSame);
  }

  /** All that was persisted up to the request with this mark is on the disk. */
  flushed(turn: Turn, mark: number): void {
    const flushed = this.#flushing;
    if (flushed?.mark !== mark) return;
    this.#flushing = undefined;
    if (flushed.uncoverings !== this.#core.counters.uncoverings) {
      // A damaged row, or an origin that was used twice: what is covered again by now need not be on the disk.
      this.#lookAt = turn.now;
      return;
    }
    const own = this.#members.own;
    const record: MemberRecord = {
      peer: this.#core.self.peer,
      name: this.#core.options.name,
      number: nextStamp(this.#lastNumber(turn), turn.wall),
      origins: originsOf(this.#core.origin, own),
      vectors: flushed.vectors,
      evictedUpTo: own && !this.#members.isBeyond(own, turn.wall) ? own.evictedUpTo : STAMP_ZERO,
    };
    if (!isAnnounceable(record)) {
      const message = 'what this peer covers is too fragmented to be announced: tombstones wait for it';
      return turn.note(
        this.#complaints.level('us', 'too large', turn.now),
        'announcement-too-large',
        message,
      );
    }
    this.#members.announce(turn, record);
    this.#roster.publish(turn, record);
  }

  /**
   * Above it the next announcement counts: the last one, also that of our former self if this is a restored store, or our
   * eviction by a faster clock. Not what a clock that ran ahead made.
   */
  #lastNumber(turn: Turn): Stamp {
    const own = this.#members.own;
    if (!own || this.#members.isBeyond(own, turn.wall)) return STAMP_ZERO;
    return own.number > own.evictedUpTo ? own.number : own.evictedUpTo;
  }

  nextWakeAt(): number {
    return this.#core.options.durable && !this.#flushing ? this.#lookAt : Infinity;
  }
}

const originsOf = (origin: OriginId, own: MemberRecord | undefined): OriginId[] =>
  [...new Set([origin, ...(own?.origins ?? [])])].slice(0, MAX_OWN_ORIGINS);
