import type { LinkId } from '../base/ids.js';
import type { Link } from '../protocol/link.js';
import type { Answer, Compare, Differ, Listing } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import { Answerer } from './reconcile/answerer.js';
import { Asker } from './reconcile/asker.js';
import type { ReconcileReport } from './reconcile/report.js';
import type { Turn } from './turn.js';

/** A divergence is reported, and after a repair that found nothing looked into again, at most this often, milliseconds. */
const REPORT_MS = 60_000;

/** When to reconcile with whom, and what follows. */
export interface RepairObserver {
  /** A session has ended: there may be a delta to ask for. */
  considerAgain(now: number): void;
  /** Hashes differ and entries do not: perhaps our own hash is wrong. */
  doubt(bucket: Bucket, now: number): void;
  /** Whatever came of it. */
  sessionEnded(link: Link, bucket: Bucket, report: ReconcileReport): void;
  /** The floor of the other side is ours too. */
  floorRaised(turn: Turn, link: Link): void;
  /** What was repaired here shows the other side what it has to repair itself. */
  compareWith(turn: Turn, link: Link): void;
}

/** Calls for range reconciliation where deltas cannot help: below a floor, and where equal vectors hold unequal data. */
export class Repairs {
  readonly #observer: RepairObserver;
  readonly #asker: Asker;
  readonly #answerer: Answerer;
  readonly #reportedAt = new Map<LinkId, number>();
  /** Until when divergences of a bucket are let be: the last session found nothing to do about them here. */
  readonly #fruitlessUntil = new Map<LinkId, Map<Bucket, number>>();

  constructor(core: Core, observer: RepairObserver) {
    this.#observer = observer;
    this.#asker = new Asker(core, (...done) => this.#reconciled(...done));
    this.#answerer = new Answerer(core);
  }

  /** Whether a session may change the bucket. */
  isReconciling(bucket: Bucket): boolean {
    return this.#asker.isReconciling(bucket);
  }

  /** A delta was refused: first what the other side has dropped must go here too (rule 6). */
  below(turn: Turn, link: Link, bucket: Bucket): void {
    if (!this.#asker.start(turn, link, bucket, 'shed')) link.vectors.delete(bucket.name);
  }

  /** Both sides cover the same writes of the bucket and hold other data. */
  diverged(turn: Turn, link: Link, bucket: Bucket): void {
    this.#report(turn, link, bucket);
    if (turn.now >= (this.#fruitlessUntil.get(link.id)?.get(bucket) ?? -Infinity)) {
      this.#asker.start(turn, link, bucket, 'repair');
    }
  }

  /** Somebody asked how the data compares. */
  verify(turn: Turn, link: Link, bucket: Bucket): 'started' | 'busy' | 'damaged' {
    if (bucket.damages.size > 0) return 'damaged';
    return this.#asker.start(turn, link, bucket, 'verify') ? 'started' : 'busy';
  }

  #report(turn: Turn, link: Link, bucket: Bucket): void {
    if (turn.now - (this.#reportedAt.get(link.id) ?? -Infinity) < REPORT_MS) return;
    this.#reportedAt.set(link.id, turn.now);
    const message = `bucket '${bucket.name}' covers the same writes as a peer and holds other data; it is being repaired`;
    turn.note('error', 'divergence', message, { peer: link.hello?.peer });
  }

  #reconciled(turn: Turn, link: Link, bucket: Bucket, report: ReconcileReport): void {
    const { mode, outcome, dropped, repaired, roundTrips, bytes } = report;
    const hasChanged = dropped + repaired > 0;
    if (mode === 'repair' && outcome === 'done' && !hasChanged) {
      const untils = this.#fruitlessUntil.get(link.id) ?? new Map<Bucket, number>();
      this.#fruitlessUntil.set(link.id, untils.set(bucket, turn.now + REPORT_MS));
      this.#observer.doubt(bucket, turn.now);
    }
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
    this.#observer.sessionEnded(link, bucket, report);
    if (mode === 'repair' && !link.closing) this.#observer.compareWith(turn, link);
  }

  question(turn: Turn, link: Link, message: Compare | Listing): void {
    this.#answerer.ask(turn, link, message);
  }

  awaits(link: LinkId, request: number): boolean {
    return this.#asker.awaits(link, request);
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
    this.#reportedAt.delete(link);
    this.#fruitlessUntil.delete(link);
  }

  wake(turn: Turn): void {
    this.#asker.wake(turn);
    this.#answerer.wake(turn);
  }

  nextWakeAt(now: number): number {
    return Math.min(this.#asker.nextWakeAt(now), this.#answerer.nextWakeAt(now));
  }
}
