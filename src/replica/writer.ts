import { RumeurError, toRumeurError } from '../base/errors.js';
import type { OriginId } from '../base/ids.js';
import { type Cell, hasLive, standing } from '../data/cell.js';
import { type Entry, sealEntry } from '../data/entry.js';
import { fromAscending, highest, type Intervals, NO_INTERVALS, subtract } from '../data/intervals.js';
import type { LocalOp, WriteContext } from '../data/op.js';
import type { Content, WriterState } from '../data/policy.js';
import type { Stamp } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';
import { type Bucket, isDamaged } from './bucket.js';
import { clockOffset } from './clock-offset.js';
import type { Core } from './core.js';
import type { Gossip } from './gossip/gossip.js';
import type { LocalWrite, OpResult, Outcome } from './step.js';
import type { Turn } from './turn.js';

/** What an op finds, and what it makes of it: `undefined` when there is nothing to write. */
interface Prepared {
  readonly cell: Cell;
  readonly content: Content | undefined;
}

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
      bucket.ownSeqAtOpen = lastSeqOf(bucket, core.origin);
      this.#written.set(bucket, bucket.ownSeqAtOpen);
    }
  }

  write(turn: Turn, writes: readonly LocalWrite[]): void {
    const news = new Map<Bucket, Entry[]>();
    const refusal = this.#clockRefusal(turn);
    // While it is our clock that is off, a last stamp in the future proves nothing.
    if (!refusal && this.#core.clock.ranAhead(turn.wall)) {
      this.#changeOrigin(turn, 'the wall clock ran ahead and was set right');
    }
    for (const write of writes) turn.reply(write.request, refusal ?? this.#writeOne(turn, write, news));
    for (const [bucket, entries] of news) this.#gossip.publish(turn, bucket, entries);
    if (news.size > 0) turn.setClock(this.#core.clock.last);
  }

  /** All ops of a write or, with an error, none: what they are worth is found out before the first is applied. */
  #writeOne(turn: Turn, write: LocalWrite, news: Map<Bucket, Entry[]>): Outcome | RumeurError {
    const bucket = this.#core.buckets.get(write.bucket);
    if (!bucket) return new RumeurError('BUCKET_UNKNOWN', `there is no bucket '${write.bucket}'`);
    let rehearsed: readonly Prepared[];
    try {
      rehearsed = this.#rehearse(turn, bucket, write.ops);
    } catch (error) {
      return toRumeurError(error);
    }
    let entries = news.get(bucket);
    if (!entries) news.set(bucket, (entries = []));
    const results: OpResult[] = [];
    for (const [i, op] of write.ops.entries()) {
      const { cell, content } = rehearsed[i] ?? this.#prepare(turn, bucket, op);
      const found = hasLive(cell);
      if (!content) {
        results.push({ found, cell });
        continue;
      }
      const entry = this.#issue(turn, bucket, op.key, cell, content);
      entries.push(entry);
      results.push({ found, entry, cell: turn.get(bucket, op.key) });
    }
    return { kind: 'written', results };
  }

  /**
   * Finds out what each op is worth. @throws RumeurError of the first that must be refused
   * @returns nothing where one key has several ops: what the later ones meet is known when the earlier ones are written
   */
  #rehearse(turn: Turn, bucket: Bucket, ops: readonly LocalOp[]): readonly Prepared[] {
    if (ops.length > 1 && new Set(ops.map(({ key }) => key)).size < ops.length) {
      this.#rehearseInOrder(turn, bucket, ops);
      return [];
    }
    return ops.map((op) => {
      const prepared = this.#prepare(turn, bucket, op);
      this.#checkHorizon(turn, op.key, prepared.content?.above);
      return prepared;
    });
  }

  /** Goes through the ops as if each were written. @throws RumeurError of the first that must be refused */
  #rehearseInOrder(turn: Turn, bucket: Bucket, ops: readonly LocalOp[]): void {
    const { clock, origin } = this.#core;
    const imagined = new Map<string, Cell>();
    for (const [i, op] of ops.entries()) {
      const { cell, content } = this.#prepare(turn, bucket, op, imagined.get(op.key));
      if (!content) continue;
      // What this write itself puts there may step over the horizon by a moment.
      this.#checkHorizon(turn, op.key, imagined.has(op.key) ? contextOf(op)?.stamp : content.above);
      const seq = Number.MAX_SAFE_INTEGER - ops.length + i;
      const stamp = ((content.above ?? clock.last) + 1n) as Stamp;
      const entry = sealEntry({ origin, seq, stamp, key: op.key, ...content });
      imagined.set(op.key, bucket.policy.admit(cell, entry) ?? cell);
    }
  }

  /** @throws RumeurError */
  #prepare(turn: Turn, bucket: Bucket, op: LocalOp, cell = turn.get(bucket, op.key)): Prepared {
    if (bucket.damages.isBlind || isDamaged(bucket, op.key)) throw damagedError(op.key);
    return { cell, content: bucket.policy.prepare(cell, op, this.#stateIn(bucket)) };
  }

  #checkHorizon(turn: Turn, key: string, above: Stamp | undefined): void {
    if (above !== undefined && this.#core.clock.isBeyond(above, turn.wall)) throw futureError(key);
  }

  #stateIn(bucket: Bucket): WriterState {
    const { ownSeqAtOpen, vector, droppedUpTo } = bucket;
    return { origin: this.#core.origin, firstSeq: ownSeqAtOpen + 1, vector, droppedUpTo };
  }

  /** The next write of our origin, where `cell` stands. What it replaces was checked to lie within the horizon. */
  #issue(turn: Turn, bucket: Bucket, key: string, cell: Cell, content: Content, formerStamp?: Stamp): Entry {
    const { clock, origin, counters } = this.#core;
    const { value, context, above } = content;
    const stamp = formerStamp ?? clock.next(turn.wall, above);
    const seq = (this.#written.get(bucket) ?? 0) + 1;
    this.#written.set(bucket, seq);
    const entry = sealEntry({ origin, seq, stamp, key, value, ...(context ? { context } : {}) });
    turn.apply(bucket, entry, cell);
    turn.cover(bucket, origin, [seq, seq]);
    counters.writes++;
    return entry;
  }

  #clockRefusal(turn: Turn): RumeurError | undefined {
    const offset = clockOffset(this.#core, turn);
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
   * @returns whether this is what burns our origin
   */
  check(bucket: Bucket, covered: VersionVector): boolean {
    if (this.isBurnt || highest(covered.get(this.#core.origin)) <= (this.#written.get(bucket) ?? 0))
      return false;
    this.#burnt = 'another peer knows writes of our origin that we never made';
    return true;
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
    const lost = [...this.#written].map(([bucket, last]) => {
      const writer = this.#stateIn(bucket);
      return { bucket, writer, ...this.#sinceOpen(turn, bucket, former, last) };
    });
    this.#changeOrigin(turn, this.#burnt);
    this.#burnt = undefined;
    for (const { bucket, writer, entries, dots } of lost) {
      const news = entries.map((entry) => {
        turn.remove(bucket, entry);
        const content = bucket.policy.renew(entry, writer);
        // Where the first write stands, a later stamp would let it lose to what it had beaten.
        const stamp = bucket.policy.superseder === 'older' ? entry.stamp : undefined;
        return this.#issue(turn, bucket, entry.key, turn.get(bucket, entry.key), content, stamp);
      });
      this.#gossip.publish(turn, bucket, news);
      if (dots.length > 0) turn.uncover(bucket, former, dots);
    }
    turn.setClock(this.#core.clock.last);
  }

  /**
   * The dots that were given away since the opening, and what still stands of their writes, oldest first. What lies
   * beyond the horizon is left out of both: it cannot be replaced yet.
   */
  #sinceOpen(
    turn: Turn,
    bucket: Bucket,
    origin: OriginId,
    last: number,
  ): { entries: Entry[]; dots: Intervals } {
    const { view, clock } = this.#core;
    const first = bucket.ownSeqAtOpen + 1;
    if (last < first) return { entries: [], dots: NO_INTERVALS };
    const rows = [...view.dots(bucket.name, origin, first, last, 'rising')];
    const future = rows.filter(({ stamp }) => clock.isBeyond(stamp, turn.wall)).map(({ seq }) => seq);
    const entries = rows
      .filter(({ stamp }) => !clock.isBeyond(stamp, turn.wall))
      .map(({ seq, key }) => standing(turn.get(bucket, key), { origin, seq }))
      .filter((entry) => entry !== undefined);
    return { entries, dots: subtract([first, last], fromAscending(future)) };
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

/** The last seq that an origin gave away, as far as the bucket tells: dots of damaged rows are uncovered, and yet taken. */
function lastSeqOf({ vector, damages }: Bucket, origin: OriginId): number {
  return Math.max(highest(vector.get(origin)), damages.highest(origin));
}

const contextOf = (op: LocalOp): WriteContext | undefined => ('increment' in op ? undefined : op.context);

const damagedError = (key: string): RumeurError =>
  new RumeurError(
    'DISK_FAILED',
    `the stored row of '${key}' is damaged and is being fetched from other peers`,
    {
      hint: 'write again when it is back; status shows damaged rows',
    },
  );

const futureError = (key: string): RumeurError =>
  new RumeurError(
    'CLOCK_DRIFT',
    `what stands or was deleted under '${key}' may carry a stamp too far in the future to be replaced yet`,
    {
      hint: 'it was written under a clock that ran ahead; write again when that time has come',
    },
  );
