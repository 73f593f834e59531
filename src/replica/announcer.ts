import type { BucketName, OriginId } from '../base/ids.js';
import { nextStamp, type Stamp, STAMP_ZERO, stampMillis } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';
import { isEvicted, latest, type MemberRecord } from '../protocol/members.js';
import { Complaints } from './complaints.js';
import type { Core } from './core.js';
import { isAnnounceable, roughSize } from './member-bounds.js';
import { ANNOUNCEMENTS_BEFORE_EVICTION, type Members } from './members.js';
import type { Roster } from './roster.js';
import type { Turn } from './turn.js';

/**
 * Bytes a second of announcements that a peer gets to hear of all members together, about: where there are so many or so
 * large ones that it would be more, each announces itself more rarely.
 */
const HEARD_PER_SECOND = 16 * 2 ** 10;
/**
 * Who is said to be down, or to have said what it has not, answers at most once in this time, milliseconds. Should that go
 * on the time doubles, up to the usual one between two announcements: who is slandered does not flood the cluster.
 */
const REFUTE_MS = 1000;

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
  /** When the last announcement was begun. */
  #begunAt = -Infinity;
  /** It is due although nothing has changed: others say of us what is wrong. */
  #isContradicted = false;
  /** How long an answer waits after the announcement before. */
  #refuteMs = REFUTE_MS;
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
    if (!this.#isUrgent(turn) && !(turn.now - this.#begunAt >= this.pauseMs() && this.#hasChanged())) {
      if (this.#isContradicted) this.#lookAt = Math.min(this.#lookAt, this.#refuteAt(turn.now));
      return;
    }
    if (this.#isContradicted) this.#refuteMs = Math.min(2 * this.#refuteMs, this.#longestMs());
    this.#begunAt = turn.now;
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

  /** The others have a wrong record of us, or none, or one that was made before our clock lagged behind, or will soon take us for gone. */
  #isUrgent(turn: Turn): boolean {
    const { options, origin } = this.#core;
    const own = this.#members.own;
    if (this.#isContradicted && turn.now >= this.#refuteAt(turn.now)) return true;
    if (!own || isEvicted(own) || this.#members.isBeyond(own, turn.wall)) return true;
    if (own.number < this.#formerNumber(turn)) return true;
    if (own.origins[0] !== origin || own.name !== options.name || own.url !== options.url) return true;
    return turn.wall - stampMillis(own.number) >= options.evictAfterMs / ANNOUNCEMENTS_BEFORE_EVICTION;
  }

  #hasChanged(): boolean {
    const { buckets } = this.#core;
    const announced = new Map(this.#members.own?.vectors);
    const isSame = ({ name, vector }: { name: BucketName; vector: VersionVector }): boolean => {
      const known = announced.get(name);
      return known?.equals(vector) === true;
    };
    return announced.size !== buckets.size || ![...buckets.values()].every(isSame);
  }

  /** The least time between two announcements that are not urgent, of ours and so about of any member, milliseconds. */
  pauseMs(): number {
    const own = this.#members.own;
    const bytes = own ? roughSize(own) * this.#members.counted().length : 0;
    return Math.max(this.#core.options.announceMs, (1000 * bytes) / HEARD_PER_SECOND);
  }

  /** Others say of us what is wrong: they are to hear from ourselves soon. */
  contradicted(now: number): void {
    if (now - this.#begunAt >= 2 * this.#longestMs()) this.#refuteMs = REFUTE_MS;
    this.#isContradicted = true;
    this.#lookAt = Math.min(this.#lookAt, this.#refuteAt(now));
  }

  #refuteAt(now: number): number {
    return Math.max(now, this.#begunAt + this.#refuteMs);
  }

  #longestMs(): number {
    return Math.max(REFUTE_MS, this.pauseMs());
  }

  /** All that was persisted up to the request with this mark is on the disk. */
  flushed(turn: Turn, mark: number): void {
    const flushed = this.#flushing;
    if (flushed?.mark !== mark) return;
    this.#flushing = undefined;
    if (flushed.uncoverings !== this.#core.counters.uncoverings) {
      // A damaged row, or an origin that was used twice: what is covered again by now need not be on the disk.
      this.#begunAt = -Infinity;
      this.#lookAt = turn.now;
      return;
    }
    const own = this.#members.own;
    const record: MemberRecord = {
      peer: this.#core.self.peer,
      name: this.#core.options.name,
      url: this.#core.options.url,
      number: nextStamp(this.#lastNumber(turn), turn.wall),
      origins: originsOf(this.#core.origin, own),
      vectors: flushed.vectors,
      ...this.#marks(turn, own),
    };
    if (!isAnnounceable(record)) {
      const message = 'what this peer covers is too fragmented to be announced: tombstones wait for it';
      return turn.note(
        this.#complaints.level('us', 'too large', turn.now),
        'announcement-too-large',
        message,
      );
    }
    this.#isContradicted = false;
    this.#members.announce(turn, record);
    this.#roster.publish(turn, record);
  }

  /**
   * Above it the next announcement counts: the last one, also that of our former self if this is a restored store, or what
   * others have said of us, by a faster clock. Not what a clock that ran ahead made, as long as that is the future.
   */
  #lastNumber(turn: Turn): Stamp {
    const own = this.#members.own;
    const former = this.#formerNumber(turn);
    if (!own || this.#members.isBeyond(own, turn.wall)) return former;
    return latest(own.number, own.evictedUpTo, own.downUpTo, former);
  }

  /** The greatest number of ours, unless it is from the future. */
  #formerNumber({ wall }: Turn): Stamp {
    const { ownUpTo } = this.#members;
    return this.#core.clock.isBeyond(ownUpTo, wall) ? STAMP_ZERO : ownUpTo;
  }

  #marks(turn: Turn, own: MemberRecord | undefined): Pick<MemberRecord, 'evictedUpTo' | 'downUpTo'> {
    const isKept = own && !this.#members.isBeyond(own, turn.wall);
    const { evictedUpTo, downUpTo } = isKept ? own : { evictedUpTo: STAMP_ZERO, downUpTo: STAMP_ZERO };
    return { evictedUpTo, downUpTo };
  }

  nextWakeAt(): number {
    return this.#core.options.durable && !this.#flushing ? this.#lookAt : Infinity;
  }
}

const originsOf = (origin: OriginId, own: MemberRecord | undefined): OriginId[] =>
  [...new Set([origin, ...(own?.origins ?? [])])].slice(0, MAX_OWN_ORIGINS);
