import type { LinkId } from '../../base/ids.js';
import { encodeMessage } from '../../protocol/codec.js';
import { MalformedMessage } from '../../protocol/fields.js';
import type { Link } from '../../protocol/link.js';
import type { Answer, Compare, Differ, Listing } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { checkCompact } from '../compactness.js';
import { bucketOn, type Core } from '../core.js';
import type { Occupancy } from '../occupancy.js';
import { withoutRoom } from '../origin-room.js';
import type { Turn } from '../turn.js';
import { MAX_PASSES, ROUND_TRIP_WORTH, STALL_MS, VERIFY_MS } from './bounds.js';
import { noteDifferences } from './differences.js';
import type { ReconcileMode, ReconcileOutcome, ReconcileReport } from './report.js';
import { openPass, openSession, type Pass, type Session, wasDisturbed } from './session.js';
import { takeAnswer, type Taking } from './take.js';
import type { Question } from './walk.js';

/** Unanswered questions of sessions that are over whose answers are no misdeed. */
const REMEMBERED = 32;

/** Told once of each session, when it has ended. */
export type OnReconciled = (turn: Turn, link: Link, bucket: Bucket, report: ReconcileReport) => void;

/**
 * Compares buckets with other peers and mends our own side (rule 13): what the other side covers and does not hold was
 * superseded, and goes here as well. The other side asks for itself.
 *
 * A session is cut at any moment without harm: every answer is true by itself, and the floor is raised at the end only.
 */
export class Asker {
  readonly #core: Core;
  readonly #onReconciled: OnReconciled;
  readonly #sessions = new Map<Bucket, Session>();
  #lastRequest: number;
  /** The latest sessions that were over before their last question was answered. */
  readonly #unanswered: { readonly link: LinkId; readonly request: number }[] = [];

  constructor(core: Core, onReconciled: OnReconciled) {
    this.#core = core;
    this.#onReconciled = onReconciled;
    this.#lastRequest = core.random.uint32();
  }

  isBusy(bucket: Bucket): boolean {
    return this.#sessions.has(bucket);
  }

  /** The session that may change the bucket. */
  occupancy(bucket: Bucket): Occupancy | undefined {
    const session = this.#sessions.get(bucket);
    if (!session || session.mode === 'verify') return undefined;
    const { link, startedAt, tally } = session;
    return { link, startedAt, taken: tally.bytes + tally.roundTrips * ROUND_TRIP_WORTH };
  }

  /** Ends that session, as others wait for the bucket. */
  giveWay(turn: Turn, bucket: Bucket): void {
    const session = this.#sessions.get(bucket);
    if (session && session.mode !== 'verify') this.#end(turn, session, 'overdue');
  }

  /**
   * Begins a session, unless one is under way for this bucket or rule 15 forbids it. It does not forbid to shed: whoever
   * is damaged and below a floor gets no delta before, and only asking for one mends the damage. Nothing is claimed by it.
   * What is to mend the bucket does not wait for a session that only reports: that one ends.
   * @returns whether it did
   */
  start(turn: Turn, link: Link, bucket: Bucket, mode: ReconcileMode): boolean {
    const isUsable = !link.closing && bucketOn(this.#core, link, bucket.name) === bucket;
    const isForbidden = bucket.damages.size > 0 && mode !== 'shed';
    const current = this.#sessions.get(bucket);
    const isInTheWay = current && (current.mode !== 'verify' || mode === 'verify');
    if (!isUsable || isForbidden || isInTheWay) return false;
    if (current) this.#end(turn, current, 'interrupted');
    this.#sessions.set(bucket, openSession(link, bucket, mode, turn.now));
    this.#core.counters.reconciliations++;
    return true;
  }

  /** Asks what is to be asked next. Questions are read from the store, which is behind in a turn that has written. */
  wake(turn: Turn): void {
    for (const session of this.#sessions.values()) {
      const { pass, link } = session;
      if (isBarred(session)) this.#end(turn, session, 'damaged');
      else if (link.closing) this.#end(turn, session, 'linkDown');
      else if (turn.now >= overdueAt(session)) this.#end(turn, session, 'overdue');
      else if (!pass?.asked) this.#askNext(turn, session);
      else if (turn.now - pass.asked.at >= STALL_MS) this.#end(turn, session, 'stalled');
    }
  }

  #askNext(turn: Turn, session: Session): void {
    if (turn.wrote) return;
    const pass = session.pass ?? openPass(session, this.#core.view, ++this.#lastRequest);
    const next = pass.walk.next(turn);
    if (isBarred(session)) return this.#end(turn, session, 'damaged');
    // Without anything to compare, the other side is still asked what it covers and dropped.
    const question: Question | undefined =
      next ?? (pass.n === 0 ? { kind: 'compare', blocks: [] } : undefined);
    if (question) this.#ask(turn, session, pass, question);
    else this.#finishPass(turn, session, pass);
  }

  #ask(turn: Turn, { link, bucket, tally }: Session, pass: Pass, question: Question): void {
    const head = { request: pass.request, n: pass.n++, bucket: bucket.name };
    const message: Compare | Listing =
      question.kind === 'compare'
        ? { type: 'compare', ...head, blocks: question.blocks }
        : { type: 'listing', ...head, items: question.items };
    const bytes = encodeMessage(message);
    turn.sendBytes(link, bytes);
    tally.bytes += bytes.length;
    if (question.kind === 'listing') tally.listed += question.items.length;
    pass.asked = { question, at: turn.now };
  }

  #finishPass(turn: Turn, session: Session, pass: Pass): void {
    const { mode, bucket, tally } = session;
    if (mode !== 'shed') return this.#end(turn, session, 'done');
    if (wasDisturbed(session, pass)) {
      if (tally.passes >= MAX_PASSES) return this.#end(turn, session, 'restless');
      session.pass = undefined;
      return this.#askNext(turn, session);
    }
    if (!pass.taking || pass.taking.deferred) return this.#end(turn, session, 'deferred');
    turn.raiseFloor(bucket, pass.taking.start.floor);
    this.#end(turn, session, 'done');
  }

  /** @param size the bytes of the message */
  differ(link: Link, message: Differ, size: number): void {
    const found = this.#find(link.id, message.request);
    if (!found) return;
    const { session, pass } = found;
    const question = questionOf(session, pass, message, size);
    const isFirst = message.n === 0;
    if (question.kind !== 'compare' || isFirst !== (message.start !== null))
      throw new MalformedMessage('not the answer to the question');
    if (message.start) {
      pass.taking = this.#takingOf(session, pass, message.start);
      link.vectors.set(session.bucket.name, message.start.vector.clone());
    }
    const blocks = message.blocks.map((place) => {
      const block = question.blocks[place];
      if (!block) throw new MalformedMessage('an answer about a block that was not compared');
      return block;
    });
    session.tally.blocks += blocks.filter(({ level }) => level === 0).length;
    pass.walk.differ(blocks);
  }

  /**
   * All of the floor that there is room for, also what its owner has not covered again after it shed: else nobody could
   * ever pass it on.
   */
  #takingOf(session: Session, { known }: Pass, { vector, floor }: NonNullable<Differ['start']>): Taking {
    const { bucket, tally } = session;
    checkCompact(bucket.floor, floor);
    const start = { vector, floor: floor.minus(withoutRoom(bucket.floor, floor)) };
    return { bucket, start, known, tally, deferred: false, twinsTold: false };
  }

  /** @param size the bytes of the message */
  answer(turn: Turn, link: Link, message: Answer, size: number): void {
    const found = this.#find(link.id, message.request);
    if (!found) return;
    const { session, pass } = found;
    const question = questionOf(session, pass, message, size);
    if (question.kind !== 'listing' || !pass.taking)
      throw new MalformedMessage('not the answer to the question');
    if (isBarred(session)) return this.#end(turn, session, 'damaged');
    const answered =
      session.mode === 'verify'
        ? noteDifferences(turn, verifying(session, pass.taking), question.items, message)
        : this.#take(turn, link, pass.taking, question.items, message);
    pass.walk.listAgain(question, answered);
  }

  #take(turn: Turn, link: Link, taking: Taking, items: Listing['items'], message: Answer): number {
    turn.source = link.hello && { peer: link.hello.peer, how: 'repair' };
    try {
      return takeAnswer(this.#core, turn, taking, items, message);
    } finally {
      // What follows in this turn is not of this answer, also when it was malformed.
      turn.source = undefined;
    }
  }

  /** The other side gave up. @returns whether it had a session of ours to give up */
  cancelled(turn: Turn, link: LinkId, request: number, reason: string): boolean {
    const found = this.#find(link, request);
    if (found) this.#end(turn, found.session, 'cancelled', reason);
    return found !== undefined;
  }

  linkDown(turn: Turn, link: LinkId): void {
    for (const session of this.#sessions.values())
      if (session.link.id === link) this.#end(turn, session, 'linkDown');
  }

  /** Whether a session of this number is under way on the link. */
  awaits(link: LinkId, request: number): boolean {
    return this.#find(link, request) !== undefined;
  }

  /** Whether this answers the last question of a session that is over: once for each, as it was asked once. */
  isLate(link: LinkId, request: number): boolean {
    const at = this.#unanswered.findIndex((one) => one.link === link && one.request === request);
    return at !== -1 && this.#unanswered.splice(at, 1).length > 0;
  }

  #find(link: LinkId, request: number): { session: Session; pass: Pass } | undefined {
    for (const session of this.#sessions.values()) {
      const { pass } = session;
      if (session.link.id === link && pass?.request === request) return { session, pass };
    }
    return undefined;
  }

  #end(turn: Turn, session: Session, outcome: ReconcileOutcome, reason?: string): void {
    const { bucket, link, mode, tally, startedAt, pass } = session;
    this.#sessions.delete(bucket);
    if (pass?.asked) {
      this.#unanswered.push({ link: link.id, request: pass.request });
      if (this.#unanswered.length > REMEMBERED) this.#unanswered.shift();
    }
    this.#core.counters.shed += tally.dropped;
    this.#core.counters.repaired += tally.repaired;
    const report = { mode, outcome, reason, ...tally, ms: turn.now - startedAt, lag: lagOf(session) };
    this.#onReconciled(turn, link, bucket, report);
  }

  nextWakeAt(now: number): number {
    let next = Infinity;
    for (const session of this.#sessions.values()) {
      const { pass, link } = session;
      if (!pass?.asked || isBarred(session) || link.closing) return now;
      next = Math.min(next, pass.asked.at + STALL_MS, overdueAt(session));
    }
    return next;
  }
}

/** A damaged row has come to light since the session began: what was compared so far counted it. */
const isBarred = ({ bucket, found }: Session): boolean => bucket.damages.found > found;

/** Somebody waits for a comparison that only reports; it must not take for ever. */
const overdueAt = ({ mode, startedAt }: Session): number =>
  mode === 'verify' ? startedAt + VERIFY_MS : Infinity;

const verifying = ({ bucket, tally }: Session, { start }: Taking): Parameters<typeof noteDifferences>[1] => ({
  bucket,
  theirs: start.vector,
  tally,
});

/** What each side lacked of what the other had when the pass began, unless it has come since. */
function lagOf({ bucket, link, pass }: Session): ReconcileReport['lag'] {
  if (!pass?.taking) return undefined;
  const { vector } = pass.taking.start;
  const sent = link.vectors.get(bucket.name);
  const ahead = pass.known.minus(vector);
  return {
    behind: vector.minus(bucket.vector).count(),
    ahead: (sent ? ahead.minus(sent) : ahead).count(),
  };
}

/** Takes the question that a message answers out of the pass. */
function questionOf(session: Session, pass: Pass, message: Differ | Answer, size: number): Question {
  const { asked } = pass;
  if (!asked || message.n !== pass.n - 1) throw new MalformedMessage('an answer that was not asked for');
  pass.asked = undefined;
  session.tally.roundTrips++;
  session.tally.bytes += size;
  return asked.question;
}
