import type { LinkId } from '../base/ids.js';
import { type Dot, dotToText } from '../data/dot.js';
import type { EntryWithoutDigest } from '../data/entry.js';
import { type Stamp, STAMP_ZERO, stampMillis } from '../data/stamp.js';
import { VersionVector } from '../data/version-vector.js';
import { MalformedMessage } from '../protocol/fields.js';
import { roughSize } from '../protocol/codec.js';
import { DELTA_WINDOW_CHUNKS, MAX_MISSING } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Chunk, MissingEntry } from '../protocol/messages.js';
import { type Bucket, isDamaged } from './bucket.js';
import { checkCompact, isFragmented } from './compactness.js';
import type { Core } from './core.js';
import { take } from './intake.js';
import type { Occupancy } from './occupancy.js';
import { leaveAside, withoutRoom } from './origin-room.js';
import { type AsOf, asOfNow, Refusals } from './refusals.js';
import type { Turn } from './turn.js';

/** A delta without a new chunk for this long is asked for elsewhere, milliseconds. */
const STALL_MS = 15_000;
/** Chunks of a delta of exact dots that may bring nothing new, in a row, before that counts as a stall. */
const MAX_IDLE_CHUNKS = 1000;
/** Held-back writes are asked for again after this at the soonest, milliseconds. */
const RETRY_HELD_MS = 1_000;
/** What there was no room for, and what that supersedes, is asked for again after this, milliseconds. */
const RETRY_CROWDED_MS = 60_000;
/** Deltas that are over whose late chunks are no misdeed. */
const REMEMBERED = 32;
/** A damaged row comes back however far in the future its stamp lies (rule 15). */
const NO_HORIZON = Number.MAX_SAFE_INTEGER;

interface Pull extends Occupancy {
  readonly bucket: Bucket;
  readonly request: number;
  readonly asOf: AsOf;
  nextChunk: number;
  /** Entries were left aside as there is no room for their origins. */
  isCrowded: boolean;
  /** Only the dots of the entries are covered from here on (rule 8). */
  exact: boolean;
  /** The physical time of the least stamp left out, milliseconds; infinite when none was. */
  heldUntil: number;
  entries: number;
  /** Something was covered that had not been. */
  hasNews: boolean;
  taken: number;
  lastProgressAt: number;
  /** Chunks in a row that brought nothing new. */
  idleChunks: number;
  /** The dots that were named as missing. */
  readonly missing: ReadonlySet<string>;
  /** Keys of which something is missing and something else was held back. */
  readonly heldKeys: Set<string>;
}

/**
 * Fetches what we lack. At most one delta a bucket at a time, from one link: two would bring the same entries twice.
 * A cut delta leaves only truthful claims behind and is resumed with anybody.
 */
export class DeltaPull {
  readonly #core: Core;
  readonly #pulls = new Map<Bucket, Pull>();
  #lastRequest: number;
  /** The latest deltas that are over. */
  readonly #over: number[] = [];
  readonly #refusals = new Refusals();

  constructor(core: Core) {
    this.#core = core;
    this.#lastRequest = core.random.uint32();
  }

  /** The delta that is under way for the bucket. */
  occupancy(bucket: Bucket): Occupancy | undefined {
    return this.#pulls.get(bucket);
  }

  start(turn: Turn, link: Link, bucket: Bucket): void {
    const request = ++this.#lastRequest;
    const { now } = turn;
    const missing = missingFrom(link, bucket);
    this.#pulls.set(bucket, {
      bucket,
      link,
      request,
      asOf: asOfNow(bucket),
      nextChunk: 0,
      isCrowded: false,
      exact: false,
      heldUntil: Infinity,
      entries: 0,
      hasNews: false,
      startedAt: now,
      taken: 0,
      lastProgressAt: now,
      idleChunks: 0,
      missing: new Set(missing.map(dotToText)),
      heldKeys: new Set(),
    });
    turn.send(link, {
      type: 'deltaRequest',
      request,
      bucket: bucket.name,
      vector: bucket.vector,
      floor: bucket.floor,
      horizon: bucket.damages.size > 0 ? NO_HORIZON : this.#core.clock.horizon(turn.wall),
      credit: DELTA_WINDOW_CHUNKS,
      ...(missing.length === 0 ? {} : { missing }),
    });
  }

  /**
   * Takes the next chunk of a delta; entries and claims become one transaction. Chunks of deltas that are over are
   * left aside (rule 7).
   * @returns when this was its last chunk: whether the whole delta brought news, be it only that something was superseded
   */
  receive(turn: Turn, link: Link, chunk: Chunk, size: number): { hasNews: boolean } | undefined {
    const pull = this.#find(link.id, chunk.request);
    if (!pull) return undefined;
    if (chunk.n !== pull.nextChunk) throw new MalformedMessage('a chunk out of order');
    pull.nextChunk++;
    this.#core.counters.deltaBytesReceived += size;
    this.#core.counters.deltaEntriesReceived += chunk.entries.length;
    link.traffic.deltasReceived += chunk.entries.length;
    if (chunk.exact) {
      pull.exact = true;
      if (chunk.heldUntil > 0) pull.heldUntil = Math.min(pull.heldUntil, chunk.heldUntil);
    }
    const news = whatIsIn(chunk);
    checkCompact(pull.bucket.vector, news, pull.bucket.damages.size);
    const aside = leaveAside(turn, link, pull.bucket, news);
    const claims = aside.size === 0 ? chunk.claims : chunk.claims.minus(aside);
    const applied = this.#applyEntries(turn, pull, chunk, aside);
    const hasNews = applied.size > 0 || (!pull.exact && !claims.within(pull.bucket.vector));
    if (hasNews) pull.hasNews = true;
    this.#noteProgress(turn, pull, hasNews);
    turn.coverAll(pull.bucket, applied);
    if (pull.exact) {
      this.#takeVouched(turn, pull, claims);
    } else {
      this.#follow(turn, chunk.seenUpTo);
      turn.coverAll(pull.bucket, claims);
      link.vectors.get(pull.bucket.name)?.merge(chunk.claims);
    }
    if (chunk.last) return this.#finish(turn, pull, true);
    if (pull.exact && isFragmented(pull.bucket.vector)) {
      turn.send(link, { type: 'cancel', request: pull.request, reason: 'too many gaps' });
      return this.#finish(turn, pull, false);
    }
    turn.send(link, { type: 'credit', request: pull.request, chunks: 1 });
    return undefined;
  }

  /** What is claimed and not sent may be tombstones that are gone there and stand elsewhere: our writes must exceed them. */
  #follow(turn: Turn, stamp: Stamp): void {
    const { clock } = this.#core;
    if (stamp <= clock.last || clock.isBeyond(stamp, turn.wall)) return;
    clock.observe(stamp);
    turn.setClock(clock.last);
  }

  /** Chunks without news are no progress: else a peer that sends them would keep the delta to itself for ever. */
  #noteProgress(turn: Turn, pull: Pull, hasNews: boolean): void {
    pull.idleChunks = hasNews ? 0 : pull.idleChunks + 1;
    // A source that passes over many writes from the future has nothing to say for a while.
    if (hasNews || (pull.exact && pull.idleChunks <= MAX_IDLE_CHUNKS)) pull.lastProgressAt = turn.now;
  }

  /** @returns the dots of what was news and is neither held back nor left aside */
  #applyEntries(turn: Turn, pull: Pull, chunk: Chunk, aside: VersionVector): VersionVector {
    const { bucket } = pull;
    const { hello } = pull.link;
    turn.source = hello ? { peer: hello.peer, how: 'delta' } : undefined;
    const isNews = (entry: EntryWithoutDigest): boolean => !bucket.vector.covers(entry);
    const known = chunk.entries.filter((entry) => !isNews(entry));
    const news = known.length === 0 ? chunk.entries : chunk.entries.filter(isNews);
    const applied = new Set(news.filter((entry) => this.#takeOne(turn, pull, entry, aside)));
    // Others of those keys may have turned out to be damaged by that: the claims would cover them again without their entries.
    for (const entry of known)
      if (isNews(entry) && this.#takeOne(turn, pull, entry, aside)) applied.add(entry);
    turn.source = undefined;
    pull.entries += applied.size;
    for (const entry of applied) pull.taken += roughSize(entry);
    if (applied.size > 0) turn.setClock(this.#core.clock.last);
    return VersionVector.ofDots(chunk.entries.filter((entry) => applied.has(entry)));
  }

  /** What is not taken may supersede what is claimed. @returns whether it is neither held back nor left aside */
  #takeOne(turn: Turn, pull: Pull, entry: EntryWithoutDigest, aside: VersionVector): boolean {
    const { bucket } = pull;
    const isAside = aside.covers(entry);
    if (!isAside && !this.#isHeldBack(turn, bucket, entry)) {
      take(this.#core, turn, bucket, entry);
      return true;
    }
    pull.exact = true;
    if (isAside) pull.isCrowded = true;
    else pull.heldUntil = Math.min(pull.heldUntil, stampMillis(entry.stamp));
    if (isDamaged(bucket, entry.key)) pull.heldKeys.add(entry.key);
    return false;
  }

  /**
   * Of a delta of exact dots only what we named as missing is covered by a claim: the source has sent us all that stands
   * under those keys, of which we held nothing back. So what has superseded it is here (rule 15).
   */
  #takeVouched(turn: Turn, { bucket, missing, heldKeys }: Pull, claims: VersionVector): void {
    for (const [origin, set] of claims.entries()) {
      for (const mark of bucket.damages.within(origin, set)) {
        const isTaken = missing.has(dotToText(mark)) && !heldKeys.has(mark.key);
        if (isTaken) turn.cover(bucket, origin, [mark.seq, mark.seq]);
      }
    }
  }

  #isHeldBack(turn: Turn, bucket: Bucket, entry: EntryWithoutDigest): boolean {
    if (!this.#core.clock.isBeyond(entry.stamp, turn.wall)) return false;
    return !bucket.damages.has(dotToText(entry));
  }

  /** @param isWhole whether the other side has sent all that it has */
  #finish(turn: Turn, pull: Pull, isWhole: boolean): { hasNews: boolean } {
    const { bucket, link, entries, hasNews } = pull;
    this.#end(pull);
    this.#refusals.served(bucket, link.id);
    if (pull.exact) this.#holdBack(turn, pull, isWhole);
    else this.#forgetUndelivered(turn, pull);
    if (pull.exact && entries === 0) bucket.setbacks.add(link, turn.now);
    if (entries > 0) {
      turn.note('debug', 'delta', `pulled ${entries} entries of bucket '${bucket.name}'`, {
        peer: link.hello?.peer,
        ms: turn.now - pull.startedAt,
      });
    }
    return { hasNews };
  }

  /** The last claim was all that the other side covers: what else it was thought to cover must not be asked for again. */
  #forgetUndelivered(turn: Turn, { bucket, link }: Pull): void {
    const known = link.vectors.get(bucket.name);
    const rest = known?.minus(bucket.vector);
    if (!known || !rest || rest.size === 0) return;
    link.vectors.set(bucket.name, known.minus(rest));
    // What is lost here meanwhile is not for others to answer for.
    if (bucket.damages.size === 0 && !rest.within(withoutRoom(bucket.vector, rest)))
      bucket.setbacks.add(link, turn.now);
  }

  /**
   * What the other side covers and did not give us lies in the future, or is superseded by what does; or the other side
   * is damaged and can vouch for nothing but what it sends. What was lost and not named is asked for at once.
   */
  #holdBack(turn: Turn, pull: Pull, isWhole: boolean): void {
    const { bucket, link } = pull;
    const unheld = link.vectors.get(bucket.name)?.minus(bucket.vector) ?? new VersionVector();
    const denied = new Set<string>();
    const unasked: Dot[] = [];
    const before = bucket.held.get(link.id)?.denied;
    for (const mark of bucket.damages.values()) {
      const dot = dotToText(mark);
      if (before?.has(dot) || (isWhole && pull.missing.has(dot))) denied.add(dot);
      else if (isWhole) unasked.push(mark);
    }
    const dots = unheld.minus(VersionVector.ofDots(unasked.sort((a, b) => a.seq - b.seq)));
    if (dots.size === 0) return;
    const due = Number.isFinite(pull.heldUntil) ? this.#core.clock.dueAt(pull.heldUntil) + 1 : 0;
    const until = Math.max(due, turn.wall + (pull.isCrowded ? RETRY_CROWDED_MS : RETRY_HELD_MS));
    bucket.held.set(link.id, { dots, denied, until });
    if (!Number.isFinite(pull.heldUntil)) return;
    const level = bucket.held.size > 1 ? 'debug' : 'warn';
    turn.note(level, 'held-back', `writes of bucket '${bucket.name}' from the future are held back`, {
      operations: dots.count(),
      seconds: Math.round((until - turn.wall) / 1000),
    });
  }

  /** Whether a delta of this number is under way on the link. */
  awaits(link: LinkId, request: number): boolean {
    return this.#find(link, request) !== undefined;
  }

  #end({ bucket, request }: Pull): void {
    this.#pulls.delete(bucket);
    this.#over.push(request);
    if (this.#over.length > REMEMBERED) this.#over.shift();
  }

  /** Whether one was, a short while ago: chunks of it may still be under way. */
  awaited(request: number): boolean {
    return this.#over.includes(request);
  }

  #find(link: LinkId, request: number): Pull | undefined {
    for (const pull of this.#pulls.values())
      if (pull.link.id === link && pull.request === request) return pull;
    return undefined;
  }

  /** The other side gave up. @returns whether it had a delta of ours to give up */
  cancelled(turn: Turn, link: LinkId, request: number): boolean {
    const pull = this.#find(link, request);
    if (pull) this.#giveUp(turn, pull);
    return pull !== undefined;
  }

  /**
   * The other side cannot serve us before we have reconciled (rule 6).
   * @returns the bucket, when that delta was ours and is not to be asked for once more
   */
  below(turn: Turn, link: LinkId, request: number): Bucket | undefined {
    const pull = this.#find(link, request);
    if (!pull) return undefined;
    const { bucket, asOf } = pull;
    this.#end(pull);
    const next = this.#refusals.refused(bucket, link, asOf);
    if (next === 'reconcile again') bucket.setbacks.add(pull.link, turn.now);
    return next === 'ask again' ? undefined : bucket;
  }

  /** Nothing is asked of that link again until it says anew what it covers. */
  #giveUp(turn: Turn, pull: Pull): void {
    this.#end(pull);
    pull.bucket.setbacks.add(pull.link, turn.now);
    pull.link.vectors.delete(pull.bucket.name);
  }

  /** Ends the delta of a bucket, as others wait: what came stays, and it goes on from there another time. */
  giveWay(turn: Turn, bucket: Bucket): void {
    const pull = this.#pulls.get(bucket);
    if (!pull) return;
    this.#end(pull);
    turn.send(pull.link, { type: 'cancel', request: pull.request, reason: 'others wait' });
  }

  linkDown(link: LinkId): void {
    this.#refusals.linkDown(link);
    for (const pull of this.#pulls.values()) if (pull.link.id === link) this.#pulls.delete(pull.bucket);
  }

  /** Gives up deltas that make no progress. @returns whether there were any */
  expire(turn: Turn): boolean {
    let expired = false;
    for (const pull of this.#pulls.values()) {
      if (turn.now - pull.lastProgressAt < STALL_MS) continue;
      expired = true;
      this.#giveUp(turn, pull);
      turn.send(pull.link, { type: 'cancel', request: pull.request, reason: 'no progress' });
      turn.note('warn', 'delta-stalled', 'a delta made no progress and is asked for elsewhere', {
        peer: pull.link.hello?.peer,
      });
    }
    return expired;
  }

  nextWakeAt(): number {
    let next = Infinity;
    for (const pull of this.#pulls.values()) next = Math.min(next, pull.lastProgressAt + STALL_MS);
    return next;
  }
}

/** What we have lost and the other side covers, as much as one request may name; not what it has just denied. */
function missingFrom(link: Link, { name, damages, held }: Bucket): MissingEntry[] {
  const missing: MissingEntry[] = [];
  const known = link.vectors.get(name);
  const denied = held.get(link.id)?.denied;
  for (const { origin, seq, stamp = STAMP_ZERO, key } of damages.values()) {
    if (missing.length === MAX_MISSING) break;
    const dot = { origin, seq };
    if (known?.covers(dot) && !denied?.has(dotToText(dot))) missing.push({ ...dot, stamp, key });
  }
  return missing;
}

/** The dots that a chunk brings or claims. */
function whatIsIn({ entries, claims }: Chunk): VersionVector {
  const dots = VersionVector.ofDots(entries);
  dots.merge(claims);
  return dots;
}
