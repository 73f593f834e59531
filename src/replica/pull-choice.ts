import { VersionVector } from '../data/version-vector.js';
import type { Link } from '../protocol/link.js';
import type { Bucket } from './bucket.js';
import { activeLinks, type Core } from './core.js';
import type { DeltaPull } from './delta-pull.js';
import { type Occupancy, overstays } from './occupancy.js';
import { withoutRoom } from './origin-room.js';
import type { Turn } from './turn.js';

/** How often deltas and sessions that keep a bucket to themselves are looked at, milliseconds. */
const LOOK_MS = 5000;

/** What keeps a bucket to itself, one at a time. */
export interface Sessions {
  occupancy(bucket: Bucket): Occupancy | undefined;
  /** Others wait: it is to end. */
  giveWay(turn: Turn, bucket: Bucket): void;
}

/** What `link` has and we neither have nor hold back, nor leave aside. */
export function lacking(link: Link, bucket: Bucket): VersionVector {
  const known = link.vectors.get(bucket.name);
  if (!known || known.within(bucket.vector)) return new VersionVector();
  const news = known.minus(bucket.vector);
  const aside = withoutRoom(bucket.vector, news);
  const rest = aside.size === 0 ? news : news.minus(aside);
  const held = bucket.held.get(link.id);
  return held ? rest.minus(held.dots) : rest;
}

/** Of whom we fetch what we lack: one neighbour at a time for each bucket, as two would send the same. */
export class PullChoice {
  readonly #core: Core;
  readonly #pull: DeltaPull;
  readonly #sessions: () => Sessions;
  /** When to look again whether others wait for who keeps a bucket too long. */
  #lookAt = 0;

  constructor(core: Core, pull: DeltaPull, sessions: () => Sessions) {
    this.#core = core;
    this.#pull = pull;
    this.#sessions = sessions;
  }

  /** Starts a delta for each bucket of which we lack something, unless one is under way. */
  start(turn: Turn): void {
    for (const bucket of this.#core.buckets.values()) this.#startOne(turn, bucket);
  }

  /** With the neighbour that has most of it; who has failed lately goes last, as anybody can say that it has much. */
  #startOne(turn: Turn, bucket: Bucket): void {
    if (this.#occupancy(bucket)) return;
    let best: { link: Link; count: number; rank: number } | undefined;
    for (const link of activeLinks(this.#core)) {
      const count = lacking(link, bucket).count();
      const rank = bucket.setbacks.rank(link, turn.now);
      const isBetter = !best || rank < best.rank || (rank === best.rank && count > best.count);
      if (count > 0 && isBetter) best = { link, count, rank };
    }
    if (best) this.#pull.start(turn, best.link, bucket);
  }

  #occupancy(bucket: Bucket): Occupancy | undefined {
    return this.#pull.occupancy(bucket) ?? this.#sessions().occupancy(bucket);
  }

  /**
   * Ends what keeps a bucket too long while others wait, looking from time to time. Cutting does no harm (rules 7 and 13).
   * @returns whether something was ended
   */
  makeRoom(turn: Turn): boolean {
    if (turn.now < this.#lookAt) return false;
    this.#lookAt = turn.now + LOOK_MS;
    const overdue = [...this.#core.buckets.values()].filter((bucket) => this.#endOverdue(turn, bucket));
    return overdue.length > 0;
  }

  #endOverdue(turn: Turn, bucket: Bucket): boolean {
    const occupancy = this.#occupancy(bucket);
    const fault = occupancy && overstays(occupancy, turn.now);
    if (!fault || !this.#isAwaited(turn, bucket, occupancy.link)) return false;
    const { link, startedAt, taken } = occupancy;
    bucket.setbacks.add(link, turn.now);
    if (this.#pull.occupancy(bucket)) this.#pull.giveWay(turn, bucket);
    else this.#sessions().giveWay(turn, bucket);
    const message = `a peer takes long over bucket '${bucket.name}': others that wait go first`;
    const fields = { peer: link.hello?.peer, ms: turn.now - startedAt, bytes: taken };
    turn.note(fault === 'slow' ? 'warn' : 'debug', 'slow-peer', message, fields);
    return true;
  }

  /** Whether another neighbour that does not stand further back has something that we lack. */
  #isAwaited({ now }: Turn, bucket: Bucket, slow: Link): boolean {
    const rank = bucket.setbacks.rank(slow, now);
    return activeLinks(this.#core).some((link) => {
      if (link.hello?.peer === slow.hello?.peer || bucket.setbacks.rank(link, now) > rank) return false;
      return lacking(link, bucket).size > 0;
    });
  }

  isAnythingUnderWay(): boolean {
    for (const bucket of this.#core.buckets.values()) if (this.#occupancy(bucket)) return true;
    return false;
  }

  nextWakeAt(): number {
    return this.isAnythingUnderWay() ? this.#lookAt : Infinity;
  }
}
