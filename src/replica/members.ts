import type { BucketName, PeerId } from '../base/ids.js';
import { Fingerprint } from '../data/fingerprint.js';
import { type Stamp, STAMP_ZERO, stampAt, stampMillis } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';
import type { Link } from '../protocol/link.js';
import {
  contentOf,
  isDown,
  isEvicted,
  latest,
  markDigest,
  type MemberMark,
  type MemberRecord,
  mergeRecord,
  upTo,
  withMarks,
} from '../protocol/members.js';
import { type Core, linkTo } from './core.js';
import { fitting, losersFor, MAX_RECORD_INTERVALS, weightOf } from './member-bounds.js';
import { MemberNews } from './member-news.js';
import type { Turn } from './turn.js';

/** A member announces itself at least this often in the time after which it would be evicted. */
export const ANNOUNCEMENTS_BEFORE_EVICTION = 8;

/** What the rest of the replica does about what is heard of members. */
export interface MembersObserver {
  /** A member was found to be down. */
  markedDown(turn: Turn, record: MemberRecord): void;
  /** What the neighbour has told is kept from now on. */
  learned(turn: Turn, link: Link, record: MemberRecord): void;
  /** What the neighbour has told is left aside, as it is from the future until then by the wall clock, milliseconds. */
  leftAside(turn: Turn, link: Link, until: number): void;
  /** The neighbour tells an announcement of ours that we have not made. */
  forged(turn: Turn, link: Link): void;
  /** What is known of ourselves is not what we say, or that we are down. */
  contradicted(turn: Turn): void;
}

/**
 * The members of the cluster, ourselves included: the peers that tombstones wait for (rule 10), each with what it has
 * announced. That nobody is left out who should count is a matter of economy: floors keep deletes safe from anyone.
 */
export class Members {
  readonly #core: Core;
  readonly #observer: MembersObserver;
  readonly #records = new Map<PeerId, MemberRecord>();
  /** What each record counts for in the hash, and the version of them all in which it changed last. */
  readonly #marks = new Map<PeerId, { readonly digest: Uint8Array; readonly version: number }>();
  /** When, on the monotonic clock, each announcement was heard. */
  readonly #heardAt = new Map<PeerId, number>();
  readonly #news: MemberNews;
  /** Records of the store for which there is no room. */
  #left: readonly MemberRecord[];
  readonly #sum = Fingerprint.empty();
  #version = 0;
  #forgottenAt = 0;
  #weight = 0;
  #ownUpTo: Stamp = STAMP_ZERO;

  /** @param stored the records that the store held when it was opened */
  constructor(core: Core, stored: readonly MemberRecord[], observer: MembersObserver) {
    this.#core = core;
    this.#observer = observer;
    this.#news = new MemberNews(core.self.peer);
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
    const { peer } = record;
    const former = this.#records.get(peer);
    const formerMark = this.#marks.get(peer);
    this.#weight += weightOf(record) - (former ? weightOf(former) : 0);
    this.#records.set(peer, record);
    if (formerMark) this.#sum.remove(formerMark.digest);
    const digest = markDigest(record);
    this.#sum.add(digest);
    this.#marks.set(peer, { digest, version: ++this.#version });
  }

  /** Rises whenever a record changes. */
  get version(): number {
    return this.#version;
  }

  /** The records that have changed since a version of them all, if none was forgotten since; `undefined` if one was. */
  changedSince(version: number): MemberRecord[] | undefined {
    if (this.#forgottenAt > version) return undefined;
    return [...this.#records.values()].filter(({ peer }) => (this.#marks.get(peer)?.version ?? 0) > version);
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

  /**
   * The greatest number of ours that this process knows of. While our clock lags behind it is from the future, and we
   * announce ourselves below it: the others take notice only once we are above it again.
   */
  get ownUpTo(): Stamp {
    return this.#ownUpTo;
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

  /** The sum of the digests of all marks: equal when two peers have heard the same of the same members. */
  hash(): Uint8Array {
    return this.#sum.toBytes();
  }

  /** Our own announcement. Its number is greater than any that was seen and is not from the future. */
  announce(turn: Turn, record: MemberRecord): void {
    this.#ownUpTo = latest(this.#ownUpTo, this.own ? lastOf(this.own) : STAMP_ZERO, record.number);
    this.#keep(record);
    turn.putMember(record);
  }

  /**
   * From now until it announces itself again no tombstone waits for this member.
   * @param upTo what it announced before does not count either, whenever it is heard of
   */
  evict(turn: Turn, record: MemberRecord, upTo = record.number): MemberRecord {
    const evicted = { ...record, evictedUpTo: latest(upTo, record.number) };
    this.#replace(turn, record, evicted);
    return evicted;
  }

  /**
   * A peer was confirmed down: all members hear of it, and so does the peer itself should it live, which ends it by
   * announcing itself. Tombstones go on waiting for it. Does nothing for who is no member, and for ourselves.
   */
  markDown(turn: Turn, peer: PeerId): void {
    const record = this.#records.get(peer);
    if (!record || isDown(record) || peer === this.#core.self.peer) return;
    const down = { ...record, downUpTo: record.number };
    // Whoever has found it out says so in the log, and how.
    this.#keep(down);
    turn.putMember(down);
    this.#observer.markedDown(turn, down);
  }

  /** Whether this peer was confirmed down and has announced nothing since; never of who is no member. */
  isDown(peer: PeerId): boolean {
    const record = this.#records.get(peer);
    return record !== undefined && isDown(record);
  }

  /** When, on the monotonic clock, we last heard a new announcement of a member; `undefined` when not since the start. */
  heardAt(peer: PeerId): number | undefined {
    return this.#heardAt.get(peer);
  }

  /** What `link` says of a member that it has announced. */
  take(turn: Turn, link: Link, said: MemberRecord): void {
    this.#hear(turn, link, this.#core.options.held?.(said) ?? said);
  }

  #hear(turn: Turn, link: Link, record: MemberRecord): void {
    const former = this.#records.get(record.peer);
    if (this.#isHearsay(link, record.peer)) return this.mark(turn, link, record);
    const said = this.isBeyond(record, turn.wall) ? record : upTo(record, record.number);
    if (record.peer === this.#core.self.peer && isContrary(record, former)) this.#contest(turn, link, record);
    const isOutdated = !former || this.isBeyond(former, turn.wall);
    this.#take(turn, link, former, isOutdated ? said : mergeRecord(former, said));
  }

  /** What `link` says of a member without its announcement: what others decide about it. */
  mark(turn: Turn, link: Link, mark: MemberMark): void {
    const former = this.#records.get(mark.peer);
    if (!former) return;
    const raised = withMarks(former, mark);
    const isBeyond = this.isBeyond(raised, turn.wall);
    this.#take(turn, link, former, isBeyond ? raised : withMarks(former, upTo(mark, former.number)));
  }

  /** Of a peer that we are linked to, only what it says itself counts, as nothing is signed. */
  #isHearsay(link: Link, peer: PeerId): boolean {
    return (
      link.hello?.peer !== peer && peer !== this.#core.self.peer && linkTo(this.#core, peer) !== undefined
    );
  }

  /** What we announced before our clock lagged behind nobody has made up; but it is not what we say now. */
  #contest(turn: Turn, link: Link, record: MemberRecord): void {
    if (this.isBeyond(record, turn.wall)) return;
    if (record.number > this.#ownUpTo || record.number === this.own?.number) {
      this.#news.forged(turn, link, record);
      this.#observer.forged(turn, link);
    }
    this.#observer.contradicted(turn);
  }

  /** A record from the future, too large or for which there is no room is left aside, and one mark too many, for now. */
  #take(turn: Turn, link: Link, former: MemberRecord | undefined, next: MemberRecord): void {
    if (next === former) return;
    if (next.number === former?.number && !affordsMark(link, turn.now)) return;
    if (this.isBeyond(next, turn.wall)) {
      this.#news.refused(turn, link, next, 'is from the future');
      return this.#observer.leftAside(turn, link, this.#core.clock.dueAt(stampMillis(lastOf(next))));
    }
    const verdict = this.#verdictOn(turn, next);
    if (typeof verdict === 'string') return this.#news.refused(turn, link, next, verdict);
    for (const loser of verdict) this.#forget(turn, loser, next);
    if (next.number !== former?.number) this.#heardAt.set(next.peer, turn.now);
    this.#replace(turn, former, next);
    this.#observer.learned(turn, link, next);
    if (next.peer === this.#core.self.peer && isDown(next)) this.#observer.contradicted(turn);
  }

  #replace(turn: Turn, former: MemberRecord | undefined, next: MemberRecord): void {
    this.#keep(next);
    turn.putMember(next);
    this.#news.changed(turn, former, next);
  }

  /** Why a record is refused, or who makes room for it. */
  #verdictOn(turn: Turn, record: MemberRecord): string | readonly MemberRecord[] {
    if (weightOf(record) > MAX_RECORD_INTERVALS) return 'is too large';
    const silentSince = stampAt(turn.wall - this.#core.options.evictAfterMs);
    const isFirm = (peer: PeerId): boolean => this.isFirm(peer);
    const kept = { records: this.#records, weight: this.#weight, isFirm, silentSince };
    return losersFor(kept, record) ?? 'finds no room';
  }

  /** Whether an announcement or a mark lies further in the future than any clock of the cluster may be ahead. */
  isBeyond(record: MemberRecord, wall: number): boolean {
    return this.#core.clock.isBeyond(lastOf(record), wall);
  }

  /** Ourselves and those we are linked to: nobody else takes their place. */
  isFirm(peer: PeerId): boolean {
    return peer === this.#core.self.peer || linkTo(this.#core, peer) !== undefined;
  }

  #forget(turn: Turn, loser: MemberRecord, winner: MemberRecord): void {
    const kept = this.#marks.get(loser.peer);
    if (kept) this.#sum.remove(kept.digest);
    this.#marks.delete(loser.peer);
    this.#records.delete(loser.peer);
    this.#heardAt.delete(loser.peer);
    this.#weight -= weightOf(loser);
    this.#forgottenAt = ++this.#version;
    turn.forgetMember(loser.peer);
    this.#news.forgotten(turn, loser, winner);
  }
}

/** The latest of the stamps of a record. */
const lastOf = ({ number, evictedUpTo, downUpTo }: MemberRecord): Stamp =>
  latest(number, evictedUpTo, downUpTo);

/** Whether the other side of the link may mark one more member; else it does so by a later roster. */
function affordsMark({ quotas: { marks } }: Link, now: number): boolean {
  if (marks.readyAt(now) > now) return false;
  marks.spend(now, 1);
  return true;
}

/** Whether this record of ours is not what we announced last, nor earlier. */
const isContrary = (said: MemberRecord, own: MemberRecord | undefined): boolean =>
  !own || said.number > own.number || (said.number === own.number && contentOf(said) !== contentOf(own));
