import { RumeurError } from '../base/errors.js';
import type { BucketName, PeerId } from '../base/ids.js';
import type { Link } from '../protocol/link.js';
import type { Bucket } from './bucket.js';
import type { Comparison } from './comparison.js';
import { activeLinks, type Core, linkTo, peerIdOf } from './core.js';
import type { ReconcileReport } from './reconcile/report.js';
import type { Turn } from './turn.js';

/** Requests that may wait: each takes as long as the data is large. */
const MOST_REQUESTS = 16;
/**
 * How long a comparison may be put off, milliseconds: whatever mends its bucket goes first, and interrupts it. After that
 * people are told.
 */
const PUT_OFF_MS = 60_000;
/** Differences that the answer to one request names, over all its comparisons. */
const MOST_EXAMPLES = 1000;

/** One bucket and one peer. */
interface Job {
  readonly peer: PeerId;
  readonly bucket: Bucket;
}

interface Verify {
  readonly request: number;
  readonly jobs: Job[];
  readonly comparisons: Comparison[];
  /** Examples that may still be named. */
  room: number;
}

/** Begins a session over a bucket that changes nothing. */
export type StartSession = (turn: Turn, link: Link, bucket: Bucket) => 'started' | 'busy' | 'damaged';

/**
 * Compares buckets with linked peers because somebody asked: one bucket with one peer at a time, request by request. A
 * bucket that is being reconciled is waited for, and one that has to be in the midst of it is compared again.
 */
export class Verification {
  readonly #core: Core;
  readonly #startSession: StartSession;
  readonly #waiting: Verify[] = [];
  /** The session under way: of the first job of the first request. */
  #running: { readonly link: Link; readonly bucket: Bucket } | undefined;
  /** When the first job was first to begin. */
  #since: number | undefined;
  #isDue = false;

  constructor(core: Core, startSession: StartSession) {
    this.#core = core;
    this.#startSession = startSession;
  }

  /**
   * @param target a peer id or a canonical url; default: each linked peer
   * @param bucket default: each
   * @throws RumeurError `BUCKET_UNKNOWN`, `NOT_FOUND`, `PEER_UNREACHABLE` without a link to the target, `OVERLOADED`
   */
  begin(turn: Turn, request: number, target: string | undefined, bucket: BucketName | undefined): void {
    if (this.#waiting.length >= MOST_REQUESTS) {
      const hint = 'wait for the answers to some of them';
      throw new RumeurError('OVERLOADED', `${MOST_REQUESTS} comparisons are waiting`, { hint });
    }
    const peers = this.#peersOf(target);
    const jobs = this.#bucketsOf(bucket).flatMap((one) => peers.map((peer) => ({ peer, bucket: one })));
    this.#waiting.push({ request, jobs, comparisons: [], room: MOST_EXAMPLES });
    this.#go(turn);
  }

  #peersOf(target: string | undefined): PeerId[] {
    if (target === undefined)
      return activeLinks(this.#core).flatMap(({ hello }) => (hello ? [hello.peer] : []));
    const peer = peerIdOf(this.#core, target);
    if (peer !== undefined && linkTo(this.#core, peer)) return [peer];
    const known = [...this.#core.addresses.active()].map(({ record }) => record);
    if (!known.some(({ url, id }) => url === target || id === target)) {
      const hint = 'getPeers lists the peers, with the urls and ids by which they are known';
      throw new RumeurError('NOT_FOUND', `no peer is known as '${target}'`, { hint });
    }
    throw new RumeurError('PEER_UNREACHABLE', `there is no link to ${target} at present`, {
      hint: 'compare when it is back; getPeers shows who is connected',
    });
  }

  #bucketsOf(name: BucketName | undefined): Bucket[] {
    if (name === undefined) return [...this.#core.buckets.values()];
    const bucket = this.#core.buckets.get(name);
    if (!bucket) throw new RumeurError('BUCKET_UNKNOWN', `there is no bucket '${name}'`);
    return [bucket];
  }

  /** Goes on as far as it can: until a session has begun, another one is waited for, or nothing is left to do. */
  #go(turn: Turn): void {
    this.#isDue = false;
    for (let verify = this.#waiting[0]; verify && !this.#running; verify = this.#waiting[0]) {
      const [job] = verify.jobs;
      if (!job) {
        this.#waiting.shift();
        turn.reply(verify.request, { kind: 'verified', comparisons: verify.comparisons });
      } else if (!this.#begin(turn, job)) return;
    }
  }

  /** @returns whether there is something to go on with */
  #begin(turn: Turn, { peer, bucket }: Job): boolean {
    const link = linkTo(this.#core, peer);
    if (!link) return this.#done('linkDown');
    if (link.refused.has(bucket.name)) return this.#done('refused');
    if (!link.hello?.buckets.some((other) => other.bucket === bucket.name)) return this.#done('absent');
    const start = this.#startSession(turn, link, bucket);
    if (start === 'damaged') return this.#done('damaged');
    this.#since ??= turn.now;
    if (start === 'started') {
      this.#running = { link, bucket };
      return true;
    }
    return !this.#mayPutOff(turn.now) && this.#done('busy');
  }

  #mayPutOff(now: number): boolean {
    return this.#since !== undefined && now < this.#since + PUT_OFF_MS;
  }

  /** Ends the first job. */
  #done(outcome: Comparison['outcome'], report?: ReconcileReport): true {
    this.#since = undefined;
    this.#running = undefined;
    const [verify] = this.#waiting;
    const job = verify?.jobs.shift();
    if (!verify || !job) return true;
    const examples = report?.examples.slice(0, verify.room) ?? [];
    verify.room -= examples.length;
    const { peer, bucket } = job;
    verify.comparisons.push({
      peer,
      bucket: bucket.name,
      outcome,
      report: report && { ...report, examples },
    });
    return true;
  }

  /** A session has ended, ours or another that we may have waited for: goes on at the next wake. */
  sessionEnded(turn: Turn, link: Link, bucket: Bucket, report: ReconcileReport): void {
    const isOurs = this.#running?.link === link && this.#running.bucket === bucket;
    if (isOurs && report.mode === 'verify') {
      if (report.outcome === 'interrupted' && this.#mayPutOff(turn.now)) this.#running = undefined;
      else this.#done(report.outcome, report);
    }
    this.#isDue = this.#waiting.length > 0;
  }

  wake(turn: Turn): void {
    if (this.nextWakeAt(turn.now) <= turn.now) this.#go(turn);
  }

  nextWakeAt(now: number): number {
    if (this.#isDue) return now;
    return this.#running || this.#since === undefined ? Infinity : this.#since + PUT_OFF_MS;
  }
}
