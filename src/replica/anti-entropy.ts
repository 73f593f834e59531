import { equalBytes } from '../base/bytes.js';
import type { BucketName, LinkId } from '../base/ids.js';
import { PUSH_WINDOW_BYTES } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { BucketDigest, Digest, Same, Vectors } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import { activeLinks, bucketOn, type Core, digestOf } from './core.js';
import type { DeltaPull } from './delta-pull.js';
import { lacking, PullChoice, type Sessions } from './pull-choice.js';
import { RequestedRounds } from './requested-rounds.js';
import type { Turn } from './turn.js';
import { VectorExchange } from './vector-exchange.js';

/** Pushes that are under way get this long to arrive before what they carry is asked for, milliseconds. */
const GRACE_MS = 50;
/** After a delta, its news is announced to the other neighbours this much later, milliseconds. */
const SETTLE_MS = 20;
/** How often the wall clock is looked at while writes are held back, milliseconds. */
const HELD_CHECK_MS = 1000;

/** The last digest that a link was sent. */
interface Asked {
  /** Its number: those of a link are counted from 1 on. */
  readonly round: number;
  /** The last round that was answered. */
  answered: number;
  readonly buckets: readonly BucketDigest[];
}

/** What the rest of the replica does about what comparisons find. */
export interface ComparisonObserver {
  /** The hash of our member records, for digests. */
  membersHash(): Uint8Array;
  /** The other side has other member records. */
  membersDiffer(turn: Turn, link: Link): void;
  /** Both sides cover the same writes of a bucket and hold other data. */
  diverged(turn: Turn, link: Link, bucket: Bucket): void;
  /** Who reconciles a bucket's data: no delta is begun meanwhile. */
  sessions(): Sessions;
}

/**
 * Compares version vectors with the neighbours, on each new link and then periodically, and starts the deltas that
 * repair what is missing (Demers et al., "Epidemic algorithms for replicated database maintenance", 1987).
 */
export class AntiEntropy {
  readonly #core: Core;
  readonly #pull: DeltaPull;
  readonly #choice: PullChoice;
  readonly #observer: ComparisonObserver;
  #nextRoundAt = 0;
  #pauseMs: number;
  /** When news that came by a delta is to be announced. */
  #announceAt = Infinity;
  /** When to look again for something to pull. */
  #considerAt = Infinity;
  /** When to look at the wall clock for writes that are held back. */
  #heldCheckAt = Infinity;
  readonly #asked = new Map<LinkId, Asked>();
  readonly #requested: RequestedRounds;
  readonly #exchange = new VectorExchange();
  /** Vectors have told of what we lack: pushes may bring it. If they do rounds need not hurry. */
  #awaitsPushes = false;

  constructor(core: Core, pull: DeltaPull, observer: ComparisonObserver) {
    this.#core = core;
    this.#pull = pull;
    this.#choice = new PullChoice(core, pull, () => observer.sessions());
    this.#observer = observer;
    this.#pauseMs = core.options.antiEntropyMs[0];
    this.#requested = new RequestedRounds((turn) => this.#sendDigests(turn));
  }

  /** A new link: the HELLO's hashes say whether the vectors are to be exchanged. Each side decides for itself. */
  linkUp(turn: Turn, link: Link, digests: readonly BucketDigest[]): void {
    const different = this.#compare(turn, link, digests);
    if (different.length > 0) this.#sendVectors(turn, link, different, false);
    this.#hurry(turn.now);
  }

  linkDown(turn: Turn, link: LinkId): void {
    this.#requested.linkDown(turn, link);
    this.#asked.delete(link);
    this.#exchange.linkDown(link);
    for (const bucket of this.#core.buckets.values()) bucket.held.delete(link);
    this.considerAgain(turn.now);
  }

  /** A younger link to the same peer is gone, and with it perhaps pushes: what this one was known to cover is old. */
  linkResumed(turn: Turn, link: Link): void {
    this.#sendDigest(turn, link);
  }

  /** Something that we lack may be had from somebody else. */
  considerAgain(now: number): void {
    this.#considerAt = Math.min(this.#considerAt, now);
  }

  digest(turn: Turn, link: Link, message: Digest): void {
    link.traffic.rounds++;
    if (!equalBytes(message.membersHash, this.#observer.membersHash()))
      this.#observer.membersDiffer(turn, link);
    // Each digest has an answer; this one promises nothing.
    if (!this.#affords(turn, link, namesOf(message.buckets))) return this.#sendVectors(turn, link, [], true);
    const different = this.#compare(turn, link, message.buckets);
    if (different.length === 0) turn.send(link, { type: 'same', round: message.round });
    else this.#sendVectors(turn, link, different, true);
  }

  /** The other side covers what we covered when we asked. */
  same(turn: Turn, link: Link, message: Same): void {
    link.traffic.rounds++;
    this.#relax();
    const asked = this.#asked.get(link.id);
    // Said once more it is no news, and would have us compare once more.
    if (!asked || message.round > asked.round || message.round <= asked.answered) return;
    asked.answered = message.round;
    this.#requested.answered(turn, link.id, message.round);
    if (message.round < asked.round) return;
    for (const { bucket: name, vectorHash } of asked.buckets) {
      const bucket = this.#core.buckets.get(name);
      if (bucket && equalBytes(bucket.vector.hash(), vectorHash)) noteEqual(link, bucket);
    }
  }

  /** The buckets whose vectors differ; equal ones are noted, and unequal states under equal vectors reported. */
  #compare(turn: Turn, link: Link, digests: readonly BucketDigest[]): Bucket[] {
    const different: Bucket[] = [];
    for (const digest of digests) {
      const bucket = bucketOn(this.#core, link, digest.bucket);
      if (!bucket) continue;
      if (!equalBytes(digest.vectorHash, bucket.vector.hash())) {
        different.push(bucket);
        noteApart(turn, link, bucket);
        continue;
      }
      noteEqual(link, bucket);
      if (equalBytes(digest.stateHash, bucket.fingerprint.toBytes())) continue;
      this.#core.counters.divergences++;
      this.#observer.diverged(turn, link, bucket);
    }
    return different;
  }

  #sendVectors(turn: Turn, link: Link, buckets: readonly Bucket[], reply: boolean): void {
    turn.send(link, this.#exchange.tell(link.id, buckets, reply));
  }

  vectors(turn: Turn, link: Link, message: Vectors): void {
    const isOurs = (name: BucketName): boolean => bucketOn(this.#core, link, name) !== undefined;
    const names = this.#exchange.hear(link.id, message, isOurs);
    // Those of a new link answer nothing.
    if (message.reply) this.#answeredByVectors(turn, link);
    // The next ones that we afford say this as well.
    if (!this.#affords(turn, link, names)) return;
    const common = names.flatMap((name) => this.#take(turn, link, name));
    if (message.reply && common.length > 0) this.#sendVectors(turn, link, common, false);
    if (!common.some((bucket) => lacking(link, bucket).size > 0)) return this.#relax();
    this.#awaitsPushes = true;
    const isNew = turn.now - link.openedAt < GRACE_MS;
    this.#considerAt = Math.min(this.#considerAt, isNew ? turn.now : turn.now + GRACE_MS);
  }

  /** What the other side has told of a bucket is from now on all that it is known to cover. */
  #take(turn: Turn, link: Link, name: BucketName): Bucket[] {
    const bucket = bucketOn(this.#core, link, name);
    if (!bucket) return [];
    const vector = this.#exchange.heard(link.id, name);
    if (vector.equals(bucket.vector)) link.apartSince.delete(name);
    else noteApart(turn, link, bucket);
    link.vectors.set(name, vector);
    return [bucket];
  }

  /** Whether these buckets are compared for the other side of a link. */
  #affords({ now }: Turn, link: Link, names: readonly BucketName[]): boolean {
    let rows = 0;
    for (const name of names) rows += bucketOn(this.#core, link, name)?.vector.size ?? 0;
    for (const name of names) rows += link.vectors.get(name)?.size ?? 0;
    return this.#exchange.affords(link.id, now, rows);
  }

  /** Each digest has one answer, in their order: these vectors are that to the first that has none. */
  #answeredByVectors(turn: Turn, { id }: Link): void {
    const asked = this.#asked.get(id);
    if (!asked || asked.answered >= asked.round) return;
    this.#requested.answered(turn, id, ++asked.answered);
  }

  /** A delta has ended: there may be more elsewhere, and what came is news for the others. */
  pulled(turn: Turn, hasNews: boolean): void {
    this.#considerAt = turn.now;
    this.#heldCheckAt = turn.now;
    if (hasNews) this.#announceAt = Math.min(this.#announceAt, turn.now + SETTLE_MS);
  }

  /** Nothing to fetch: rounds become rarer. */
  #relax(): void {
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#core.options.antiEntropyMs[1]);
  }

  /** While writes stream in vectors always differ: rounds become more frequent only when there is something to fetch. */
  #setPace(now: number): void {
    if (!this.#awaitsPushes) return;
    this.#awaitsPushes = false;
    if (this.#choice.isAnythingUnderWay()) this.#hurry(now);
    else this.#relax();
  }

  #hurry(now: number): void {
    this.#pauseMs = this.#core.options.antiEntropyMs[0];
    this.#nextRoundAt = Math.min(this.#nextRoundAt, now + this.#pauseMs);
  }

  wake(turn: Turn): void {
    if (this.#pull.expire(turn)) this.considerAgain(turn.now);
    this.#requested.wake(turn);
    this.#releaseHeld(turn);
    if (this.#choice.makeRoom(turn)) this.considerAgain(turn.now);
    if (turn.now >= this.#considerAt) {
      this.#considerAt = Infinity;
      this.#choice.start(turn);
      this.#setPace(turn.now);
    }
    for (const link of this.#core.links.values()) {
      if (!hasCaughtUp(link)) continue;
      link.flow.lagging = false;
      this.#sendDigest(turn, link);
    }
    if (turn.now >= this.#announceAt) {
      this.#announceAt = Infinity;
      this.#sendDigests(turn);
    }
    if (turn.now >= this.#nextRoundAt) this.#startRound(turn);
  }

  #startRound(turn: Turn): void {
    const spread = 0.5 + this.#core.random.float() / 2;
    this.#nextRoundAt = turn.now + this.#pauseMs * spread;
    const { random } = this.#core;
    const links = activeLinks(this.#core);
    // Every second round goes where a difference was seen last: mostly it is gone, and nobody else would tell us.
    const apart = links.filter(({ apartSince }) => apartSince.size > 0);
    const link = random.pick(apart.length > 0 && random.float() < 0.5 ? apart : links);
    if (link) this.#sendDigest(turn, link);
  }

  /** @returns the round */
  #sendDigest(turn: Turn, link: Link): number {
    this.#core.counters.rounds++;
    const buckets = [...this.#core.buckets.values()]
      .filter(({ name }) => !link.refused.has(name))
      .map(digestOf);
    const { round: last, answered } = this.#asked.get(link.id) ?? { round: 0, answered: 0 };
    const round = last + 1;
    this.#asked.set(link.id, { round, answered, buckets });
    turn.send(link, { type: 'digest', round, buckets, membersHash: this.#observer.membersHash() });
    return round;
  }

  #sendDigests(turn: Turn): Map<LinkId, number> {
    return new Map(activeLinks(this.#core).map((link) => [link.id, this.#sendDigest(turn, link)]));
  }

  compareWith(turn: Turn, link: Link): void {
    this.#sendDigest(turn, link);
  }

  /** Compares with every neighbour, at once or shortly after; replies when all have answered. */
  compareAll(turn: Turn, request: number): void {
    this.#requested.request(turn, request);
  }

  /** By the wall clock, which may jump: hence looked at again and again. */
  #releaseHeld(turn: Turn): void {
    this.#heldCheckAt = Infinity;
    for (const bucket of this.#core.buckets.values()) {
      for (const [link, { until }] of bucket.held) {
        if (turn.wall < until) {
          this.#heldCheckAt = turn.now + HELD_CHECK_MS;
          continue;
        }
        bucket.held.delete(link);
        this.#considerAt = turn.now;
      }
    }
  }

  nextWakeAt(now: number): number {
    for (const link of this.#core.links.values()) if (hasCaughtUp(link)) return now;
    return Math.min(
      this.#considerAt,
      this.#heldCheckAt,
      this.#announceAt,
      this.#nextRoundAt,
      this.#pull.nextWakeAt(),
      this.#choice.nextWakeAt(),
      this.#requested.nextWakeAt(),
    );
  }
}

const namesOf = (digests: readonly BucketDigest[]): BucketName[] => digests.map(({ bucket }) => bucket);

/** A link that missed pushes has drained: it is time to tell it what there is to fetch. */
const hasCaughtUp = ({ flow, closing }: Link): boolean =>
  flow.lagging && !closing && flow.sent - flow.acknowledged <= PUSH_WINDOW_BYTES / 2;

/** For people: the two sides differ, from now on unless they were known to before. */
function noteApart(turn: Turn, link: Link, bucket: Bucket): void {
  const known = link.vectors.get(bucket.name);
  // Pushes and deltas may have made them equal since the difference was seen last.
  const wasEqual = known?.equals(bucket.vector) === true;
  if (wasEqual || !link.apartSince.has(bucket.name)) link.apartSince.set(bucket.name, turn.wall);
}

/** The other side of the link covers what we cover. */
function noteEqual(link: Link, bucket: Bucket): void {
  link.apartSince.delete(bucket.name);
  const known = link.vectors.get(bucket.name);
  if (!known?.equals(bucket.vector)) link.vectors.set(bucket.name, bucket.vector.clone());
}
