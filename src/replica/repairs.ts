import type { LinkId } from '../base/ids.js';
import type { Link } from '../protocol/link.js';
import type { Answer, Compare, Differ, Listing } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import type { Occupancy } from './occupancy.js';
import { Answerer } from './reconcile/answerer.js';
import { Asker } from './reconcile/asker.js';
import type { ReconcileOutcome, ReconcileReport } from './reconcile/report.js';
import type { Turn } from './turn.js';

/** A divergence is reported, and after a repair that found nothing looked into again, at most this often, milliseconds. */
const REPORT_MS = 60_000;
/** Ends of a session after which others are asked first. */
const FAILURES: ReadonlySet<ReconcileOutcome> = new Set(['stalled', 'cancelled', 'deferred']);

/** When to reconcile with whom, and what follows. */
export interface RepairObserver {
  /** A session has ended: there may be a delta to ask for. */
  considerAgain(now: number): void;
  /** Hashes differ and entries do not: perhaps our own hash is wrong. */
  doubt(bucket: Bucket, now: number): void;
  /** Whatever came of it. */
  sessionEnded(turn: Turn, link: Link, bucket: Bucket, report: ReconcileReport): void;
  /** The floor of the other side is ours too. */
  floorRaised(turn: Turn, link: Link): void;
  /** What was repaired here shows the other side what it has to repair itself. */
  compareWith(turn: Turn, link: Link): void;
}

/** The divergence of one bucket from what the other side of one link holds. */
interface Divergence {
  reportedAt: number;
  /** Until when it is let be: the last session found nothing to do about it here. */
  fruitlessUntil: number;
}

/** Calls for range reconciliation where deltas cannot help: below a floor, and where equal vectors hold unequal data. */
export class Repairs {
  readonly #core: Core;
  readonly #observer: RepairObserver;
  readonly #asker: Asker;
  readonly #answerer: Answerer;
  readonly #divergences = new Map<LinkId, Map<Bucket, Divergence>>();

  constructor(core: Core, observer: RepairObserver) {
    this.#core = core;
    this.#observer = observer;
    this.#asker = new Asker(core, (...done) => this.#reconciled(...done));
    this.#answerer = new Answerer(core);
  }

  /** The session that may change the bucket. */
  occupancy(bucket: Bucket): Occupancy | undefined {
    return this.#asker.occupancy(bucket);
  }

  /** Others wait for the bucket. */
  giveWay(turn: Turn, bucket: Bucket): void {
    this.#asker.giveWay(turn, bucket);
  }

  /** A delta was refused: first what the other side has dropped must go here too (rule 6). */
  below(turn: Turn, link: Link, bucket: Bucket): void {
    if (!this.#asker.start(turn, link, bucket, 'shed')) link.vectors.delete(bucket.name);
  }

  /** Both sides cover the same writes of the bucket and hold other data. */
  diverged(turn: Turn, link: Link, bucket: Bucket): void {
    const divergence = this.#divergenceOf(link, bucket);
    if (turn.now >= divergence.reportedAt + REPORT_MS) {
      divergence.reportedAt = turn.now;
      const message = `bucket '${bucket.name}' covers the same writes as a peer and holds other data; it is being repaired`;
      turn.note('error', 'divergence', message, { peer: link.hello?.peer });
    }
    if (turn.now >= divergence.fruitlessUntil) this.#asker.start(turn, link, bucket, 'repair');
  }

  #divergenceOf({ id }: Link, bucket: Bucket): Divergence {
    const known = this.#divergences.get(id);
    const divergences = known ?? new Map<Bucket, Divergence>();
    if (!known) this.#divergences.set(id, divergences);
    const divergence = divergences.get(bucket) ?? { reportedAt: -Infinity, fruitlessUntil: -Infinity };
    divergences.set(bucket, divergence);
    return divergence;
  }

  /** Somebody asked how the data compares. */
  verify(turn: Turn, link: Link, bucket: Bucket): 'started' | 'busy' | 'damaged' {
    if (bucket.damages.size > 0) return 'damaged';
    return this.#asker.start(turn, link, bucket, 'verify') ? 'started' : 'busy';
  }

  #reconciled(turn: Turn, link: Link, bucket: Bucket, report: ReconcileReport): void {
    const { mode, outcome, dropped, repaired, roundTrips, bytes } = report;
    const hasChanged = dropped + repaired > 0;
    const isUp = this.#core.links.has(link.id) && !link.closing;
    if (mode !== 'verify' && FAILURES.has(outcome)) bucket.setbacks.add(link, turn.now);
    const isFruitless = outcome === 'done' ? !hasChanged : outcome === 'stalled' || outcome === 'overdue';
    if (mode === 'repair' && isFruitless)
      this.#divergenceOf(link, bucket).fruitlessUntil = turn.now + REPORT_MS;
    if (mode === 'repair' && outcome === 'done' && !hasChanged) this.#observer.doubt(bucket, turn.now);
    turn.note(hasChanged ? 'warn' : 'debug', 'reconciled', `reconciled bucket '${bucket.name}' with a peer`, {
      peer: link.hello?.peer,
      mode,
      outcome,
      dropped,
      repaired,
      roundTrips,
      bytes,
    });
    // Else a delta would be refused again at once: not before the other side says anew what it covers.
    if (mode === 'shed' && outcome !== 'done') link.vectors.delete(bucket.name);
    if (mode === 'shed' && outcome === 'done') this.#observer.floorRaised(turn, link);
    this.#observer.considerAgain(turn.now);
    this.#observer.sessionEnded(turn, link, bucket, report);
    if (mode === 'repair' && isUp) this.#observer.compareWith(turn, link);
  }

  question(turn: Turn, link: Link, message: Compare | Listing): void {
    this.#answerer.ask(turn, link, message);
  }

  awaits(link: LinkId, request: number): boolean {
    return this.#asker.awaits(link, request);
  }

  /** Whether this answers the last question of a session that is over; once for each. */
  isLate(link: LinkId, request: number): boolean {
    return this.#asker.isLate(link, request);
  }

  differ(link: Link, message: Differ, size: number): void {
    this.#asker.differ(link, message, size);
  }

  answer(turn: Turn, link: Link, message: Answer, size: number): void {
    this.#asker.answer(turn, link, message, size);
  }

  cancelled(turn: Turn, link: LinkId, request: number, reason: string): void {
    this.#asker.cancelled(turn, link, request, reason);
  }

  linkDown(turn: Turn, link: LinkId): void {
    this.#asker.linkDown(turn, link);
    this.#answerer.linkDown(link);
    this.#divergences.delete(link);
  }

  wake(turn: Turn): void {
    this.#asker.wake(turn);
    this.#answerer.wake(turn);
  }

  nextWakeAt(now: number): number {
    return Math.min(this.#asker.nextWakeAt(now), this.#answerer.nextWakeAt(now));
  }
}
