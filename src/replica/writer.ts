import { RumeurError } from '../base/errors.js';
import type { OriginId } from '../base/ids.js';
import { type Entry, sealEntry } from '../data/entry.js';
import { fromAscending, highest, type Intervals, NO_INTERVALS, subtract } from '../data/intervals.js';
import type { VersionVector } from '../data/version-vector.js';
import type { Bucket } from './bucket.js';
import { ownClockOffset } from './clock.js';
import { activeLinks, type Core } from './core.js';
import type { Gossip } from './gossip.js';
import type { LocalOp, LocalWrite, OpResult } from './step.js';
import type { Turn } from './turn.js';

/** Takes local writes: gives each a dot and a stamp, and hands what is new to gossip. */
export class Writer {
  readonly #core: Core;
  readonly #gossip: Gossip;
  /** Another peer knows writes of our origin that we do not: this origin is burnt (invariant 3). */
  #burnt: string | undefined;
  /** The last seq that we wrote under our origin, for each bucket. */
  readonly #written = new Map<Bucket, number>();

  constructor(core: Core, gossip: Gossip) {
    this.#core = core;
    this.#gossip = gossip;
    for (const bucket of core.buckets.values()) {
      bucket.ownSeqAtOpen = highest(bucket.vector.get(core.origin));
      this.#written.set(bucket, bucket.ownSeqAtOpen);
    }
  }

  write(turn: Turn, writes: readonly LocalWrite[]): void {
    const news = new Map<Bucket, Entry[]>();
    const refusal = this.#clockRefusal();
    // While it is our clock that is off, a last stamp in the future proves nothing.
    if (!refusal && this.#core.clock.ranAhead(turn.wall)) {
      this.#changeOrigin(turn, 'the wall clock ran ahead and was set right');
    }
    for (const write of writes) turn.reply(write.request, refusal ?? this.#writeOne(turn, write, news));
    for (const [bucket, entries] of news) this.#gossip.publish(turn, bucket, entries);
    if (news.size > 0) turn.setClock(this.#core.clock.last);
  }

  #writeOne(turn: Turn, write: LocalWrite, news: Map<Bucket, Entry[]>): OpResult[] | RumeurError {
    const bucket = this.#core.buckets.get(write.bucket);
    if (!bucket) return new RumeurError('BUCKET_UNKNOWN', `there is no bucket '${write.bucket}'`);
    const refusal = this.#futureRefusal(turn, bucket, write.ops);
    if (refusal) return refusal;
    let entries = news.get(bucket);
    if (!entries) news.set(bucket, (entries = []));
    const results: OpResult[] = [];
    for (const op of write.ops) {
      const current = turn.get(bucket, op.key);
      const found = current !== undefined && current.value !== null;
      if (op.value === null && !found) {
        results.push({ found });
        continue;
      }
      const entry = this.#issue(turn, bucket, op, current);
      entries.push(entry);
      results.push({ found, entry });
    }
    return results;
  }

  /** The next write of our origin. Its key was checked: what it replaces lies within the horizon. */
  #issue(turn: Turn, bucket: Bucket, op: LocalOp, current: Entry | undefined): Entry {
    const { clock, origin, counters } = this.#core;
    const stamp = clock.next(turn.wall, current?.stamp);
    const seq = (this.#written.get(bucket) ?? 0) + 1;
    this.#written.set(bucket, seq);
    const entry = sealEntry({ origin, seq, stamp, key: op.key, value: op.value });
    turn.apply(bucket, entry);
    turn.cover(bucket, origin, [seq, seq]);
    counters.writes++;
    return entry;
  }

  /** A key whose own entry lies beyond the horizon cannot be overwritten yet: all of the write is refused. */
  #futureRefusal(turn: Turn, bucket: Bucket, ops: readonly LocalOp[]): RumeurError | undefined {
    for (const { key } of ops) {
      const current = turn.get(bucket, key);
      if (current && this.#core.clock.isBeyond(current.stamp, turn.wall)) return futureError(key);
    }
    return undefined;
  }

  #clockRefusal(): RumeurError | undefined {
    const offset = ownClockOffset(activeLinks(this.#core).map((link) => link.clockOffset));
    if (Math.abs(offset) <= this.#core.options.maxClockDriftMs) return undefined;
    const seconds = Math.round(Math.abs(offset) / 1000);
    return new RumeurError(
      'CLOCK_DRIFT',
      `this machine's clock is ${seconds} s ${offset > 0 ? 'behind' : 'ahead of'} the other peers'`,
      { hint: 'set the clock right (NTP) and write again; reads go on' },
    );
  }

  /**
   * Looks for dots of our origin that we never wrote, in what a peer covers: our store is an older copy of another,
   * or its last writes were lost after they had been sent. `renew` then follows before the next input.
   */
  check(bucket: Bucket, covered: VersionVector): void {
    if (highest(covered.get(this.#core.origin)) > (this.#written.get(bucket) ?? 0)) {
      this.#burnt = 'another peer knows writes of our origin that we never made';
    }
  }

  get isBurnt(): boolean {
    return this.#burnt !== undefined;
  }

  /**
   * Goes on under a new origin and writes again under it what this store has written since it was opened: others
   * take those dots for covered and have skipped them. What they know under those dots we in turn have skipped: the
   * dots are uncovered, to be fetched.
   */
  renew(turn: Turn): void {
    if (this.#burnt === undefined) return;
    const former = this.#core.origin;
    const lost = [...this.#written].map(([bucket, last]) => ({
      bucket,
      ...this.#sinceOpen(turn, bucket, former, last),
    }));
    this.#changeOrigin(turn, this.#burnt);
    this.#burnt = undefined;
    for (const { bucket, ops, dots } of lost) {
      const entries = ops.map((op) => this.#issue(turn, bucket, op, turn.get(bucket, op.key)));
      this.#gossip.publish(turn, bucket, entries);
      if (dots.length > 0) turn.uncover(bucket, former, dots);
    }
    turn.setClock(this.#core.clock.last);
  }

  /**
   * The dots that were given away since the opening, and what still stands of their writes. What lies beyond the
   * horizon is left out of both: it cannot be replaced yet.
   */
  #sinceOpen(
    turn: Turn,
    bucket: Bucket,
    origin: OriginId,
    last: number,
  ): { ops: LocalOp[]; dots: Intervals } {
    const { view, clock } = this.#core;
    const first = bucket.ownSeqAtOpen + 1;
    if (last < first) return { ops: [], dots: NO_INTERVALS };
    const rows = [...view.dots(bucket.name, origin, first, last)].reverse();
    const future = rows.filter(({ stamp }) => clock.isBeyond(stamp, turn.wall)).map(({ seq }) => seq);
    const ops = rows
      .filter(({ stamp }) => !clock.isBeyond(stamp, turn.wall))
      .map(({ key }) => ({ key, value: view.get(bucket.name, key)?.value ?? null }));
    return { ops, dots: subtract([first, last], fromAscending(future)) };
  }

  #changeOrigin(turn: Turn, reason: string): void {
    const former = this.#core.origin;
    this.#core.origin = this.#core.random.id() as OriginId;
    if (this.#core.clock.ranAhead(turn.wall)) this.#core.clock.restart(turn.wall);
    for (const bucket of this.#core.buckets.values()) {
      bucket.ownSeqAtOpen = 0;
      this.#written.set(bucket, 0);
    }
    turn.setOrigin(this.#core.origin);
    turn.setClock(this.#core.clock.last);
    turn.note('warn', 'origin-changed', `writing under a new origin: ${reason}`, {
      former,
      origin: this.#core.origin,
    });
  }
}

const futureError = (key: string): RumeurError =>
  new RumeurError(
    'CLOCK_DRIFT',
    `the entry of '${key}' carries a stamp too far in the future to be replaced yet`,
    {
      hint: 'it was written under a clock that ran ahead; write again when that time has come',
    },
  );
