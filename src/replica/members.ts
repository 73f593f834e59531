import type { BucketName, PeerId } from '../base/ids.js';
import { stampAt, stampMillis } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';
import type { Link } from '../protocol/link.js';
import { isEvicted, type MemberRecord, membersHash, mergeRecord } from '../protocol/members.js';
import { Complaints } from './complaints.js';
import { type Core, linkTo } from './core.js';
import { fitting, losersFor, MAX_RECORD_INTERVALS, weightOf } from './member-bounds.js';
import type { Turn } from './turn.js';

/** A member announces itself at least this often in the time after which it would be evicted. */
export const ANNOUNCEMENTS_BEFORE_EVICTION = 8;

/**
 * The members of the cluster, ourselves included: the peers that tombstones wait for (rule 10), each with what it has
 * announced. That nobody is left out who should count is a matter of economy: floors keep deletes safe from anyone.
 */
export class Members {
  readonly #core: Core;
  readonly #records = new Map<PeerId, MemberRecord>();
  /** When, on the monotonic clock, each record was last news. */
  readonly #heardAt = new Map<PeerId, number>();
  readonly #complaints = new Complaints();
  /** Records of the store for which there is no room. */
  #left: readonly MemberRecord[];
  #hash: Uint8Array | undefined;
  #version = 0;
  #weight = 0;

  /** @param stored the records that the store held when it was opened */
  constructor(core: Core, stored: readonly MemberRecord[]) {
    this.#core = core;
    const { kept, left } = fitting(stored, core.self.peer);
    for (const record of kept) this.#keep(record);
    this.#left = left;
  }

  /** Takes out of the store what was left aside when it was opened. */
  wake(turn: Turn): void {
    for (const { peer } of this.#left) if (!this.#records.has(peer)) turn.forgetMember(peer);
    this.#left = [];
  }

  #keep(record: MemberRecord): void {
    const former = this.#records.get(record.peer);
    this.#weight += weightOf(record) - (former ? weightOf(former) : 0);
    this.#records.set(record.peer, record);
    this.#changed();
  }

  #changed(): void {
    this.#version++;
    this.#hash = undefined;
  }

  /** Rises whenever a record changes. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#records.size;
  }

  /** All records, those of evicted members too. */
  all(): Iterable<MemberRecord> {
    return this.#records.values();
  }

  get(peer: PeerId): MemberRecord | undefined {
    return this.#records.get(peer);
  }

  get own(): MemberRecord | undefined {
    return this.#records.get(this.#core.self.peer);
  }

  /** The members that count: all but the evicted ones. */
  counted(): MemberRecord[] {
    return [...this.#records.values()].filter((record) => !isEvicted(record));
  }

  /** What each member that counts and has this bucket has announced of it. */
  *announced(bucket: BucketName): Iterable<readonly [MemberRecord, VersionVector]> {
    for (const record of this.counted()) {
      const row = record.vectors.find(([name]) => name === bucket);
      if (row) yield [record, row[1]];
    }
  }

  hash(): Uint8Array {
    this.#hash ??= membersHash(this.#records.values());
    return this.#hash;
  }

  /** Our own announcement. Its number is greater than any that was seen. */
  announce(turn: Turn, record: MemberRecord): void {
    this.#keep(record);
    turn.putMember(record);
  }

  /**
   * From now until it announces itself again no tombstone waits for this member.
   * @param upTo what it announced before does not count either, whenever it is heard of
   */
  evict(turn: Turn, record: MemberRecord, upTo = record.number): MemberRecord {
    const evicted = { ...record, evictedUpTo: upTo > record.number ? upTo : record.number };
    this.#keep(evicted);
    turn.putMember(evicted);
    this.#tell(turn, record, evicted);
    return evicted;
  }

  /** When, on the monotonic clock, we last heard something new of a member; `undefined` when not since the start. */
  heardAt(peer: PeerId): number | undefined {
    return this.#heardAt.get(peer);
  }

  /** What `link` says of a member. A record from the future, too large or for which there is no room is left aside. */
  take(turn: Turn, link: Link, record: MemberRecord): void {
    const former = this.#records.get(record.peer);
    const next = former && !this.isBeyond(former, turn.wall) ? mergeRecord(former, record) : record;
    if (next === former) return;
    const verdict = this.#verdictOn(turn, record);
    if (typeof verdict === 'string') return this.#complain(turn, link, record, verdict);
    for (const loser of verdict) this.#forget(turn, loser, record);
    this.#keep(next);
    this.#heardAt.set(record.peer, turn.now);
    turn.putMember(next);
    this.#tell(turn, former, next);
  }

  /** Why a record is refused, or who makes room for it. */
  #verdictOn(turn: Turn, record: MemberRecord): string | readonly MemberRecord[] {
    if (this.isBeyond(record, turn.wall)) return 'is from the future';
    if (weightOf(record) > MAX_RECORD_INTERVALS) return 'is too large';
    const silentSince = stampAt(turn.wall - this.#core.options.evictAfterMs);
    const isFirm = (peer: PeerId): boolean => this.isFirm(peer);
    const kept = { records: this.#records, weight: this.#weight, isFirm, silentSince };
    return losersFor(kept, record) ?? 'finds no room';
  }

  /** Whether an announcement or an eviction lies further in the future than any clock of the cluster may be ahead. */
  isBeyond({ number, evictedUpTo }: MemberRecord, wall: number): boolean {
    return this.#core.clock.isBeyond(number > evictedUpTo ? number : evictedUpTo, wall);
  }

  #complain(turn: Turn, link: Link, record: MemberRecord, refusal: string): void {
    const from = link.hello?.peer ?? link.remote;
    const level = this.#complaints.level(from, `member that ${refusal}`, turn.now);
    turn.note(
      level,
      'member-refused',
      `what ${link.hello?.name ?? from} says of member ${record.name} ${refusal}`,
      {
        peer: record.peer,
        from,
      },
    );
  }

  /** Ourselves and those we are linked to: nobody else takes their place. */
  isFirm(peer: PeerId): boolean {
    return peer === this.#core.self.peer || linkTo(this.#core, peer) !== undefined;
  }

  #forget(turn: Turn, loser: MemberRecord, winner: MemberRecord): void {
    this.#records.delete(loser.peer);
    this.#heardAt.delete(loser.peer);
    this.#weight -= weightOf(loser);
    turn.forgetMember(loser.peer);
    const message = `member ${loser.name} is forgotten to make room for ${winner.name}`;
    turn.note('warn', 'member-forgotten', message, { peer: loser.peer });
  }

  #tell(turn: Turn, former: MemberRecord | undefined, next: MemberRecord): void {
    const fields = { peer: next.peer, number: stampMillis(next.number) };
    // Whoever says such things again and again does not fill the log.
    const warn = (kind: string): 'warn' | 'debug' => this.#complaints.level(next.peer, kind, turn.now);
    if (isEvicted(next)) {
      if (former && isEvicted(former)) return;
      const message = `member ${next.name} was evicted: tombstones no longer wait for it`;
      turn.note(warn('evicted'), 'member-evicted', message, fields);
    } else if (next.peer === this.#core.self.peer) {
      // An eviction that is over by now is no news of ours.
      if (former && next.number <= former.number) return;
      const message =
        'another peer knows a later announcement of ours: this store was restored from an older copy';
      turn.note(warn('own record'), 'own-record', message, fields);
    } else if (!former) {
      turn.note('info', 'member-joined', `${next.name} is a member: tombstones wait for it`, fields);
    } else if (isEvicted(former)) {
      turn.note(
        'info',
        'member-returned',
        `member ${next.name} is back: tombstones wait for it again`,
        fields,
      );
    }
  }
}
