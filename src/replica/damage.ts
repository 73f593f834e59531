import { type Cell, hasLive, isLive } from '../data/cell.js';
import type { Dot } from '../data/dot.js';
import { isSound } from '../data/entry.js';
import { Fingerprint } from '../data/fingerprint.js';
import { VersionVector } from '../data/version-vector.js';
import type { DamageMark } from './batch.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import type { Turn } from './turn.js';
import type { DotRow } from './view.js';

/** Who may have what is lost here: a neighbour that covers it, a member that is away and can not be asked, or nobody. */
export type Keeper = 'neighbour' | 'away' | 'nobody';

/** How long a lost entry is waited for, by who may have it, milliseconds: a neighbour may be as damaged as we are. */
const GIVE_UP_MS: Readonly<Record<Keeper, number>> = { nobody: 60_000, neighbour: 600_000, away: Infinity };
const LOOK_AGAIN_MS = 5_000;
/** To count a bucket anew is a long turn, and another peer may ask for it with a lie: at most this often, milliseconds. */
const DOUBT_AGAIN_MS = 3_600_000;

/** @param since when the dot was first missed, on the monotonic clock, milliseconds */
export type KeeperOf = (bucket: Bucket, dot: Dot, since: number) => Keeper;

/**
 * Rows that do not hold what was written (rule 15). What stood there is uncovered, so that other peers send it again;
 * until it is back, nothing is claimed for the bucket, as what the lost entry had superseded stays covered: deltas bring
 * exact dots only.
 */
export class Damage {
  readonly #core: Core;
  readonly #keeperOf: KeeperOf;
  /** When each lost dot was first missed. */
  readonly #missedSince = new WeakMap<DamageMark, number>();
  /** Buckets whose totals and sums counted what is gone. */
  readonly #stale = new Set<Bucket>();
  readonly #doubtedAt = new Map<Bucket, number>();

  constructor(core: Core, keeperOf: KeeperOf) {
    this.#core = core;
    this.#keeperOf = keeperOf;
    // A crash may have come between the quarantine and the count that follows it.
    for (const bucket of core.buckets.values()) if (bucket.damages.size > 0) this.#stale.add(bucket);
  }

  /**
   * Takes out of a cell what is not sound, or what the dot index names and the cell does not hold.
   * Looks through the whole dot index, as the row's own dot may be what is damaged.
   * @returns the rest of the cell
   */
  quarantine(turn: Turn, bucket: Bucket, key: string, cell: Cell): Cell {
    const rows = this.#rowsOf(bucket, key);
    const rest = cell.filter((entry) => isSound(entry) && rows.some((row) => isSame(row, entry)));
    const lost = rows.filter((row) => !rest.some((entry) => isSame(row, entry)));
    turn.quarantine(bucket, key, rest, lost);
    for (const dot of lost) turn.uncover(bucket, dot.origin, [dot.seq, dot.seq]);
    this.#stale.add(bucket);
    this.#core.counters.rowsDamaged++;
    turn.note(
      'error',
      'row-damaged',
      `the stored row of '${key}' is damaged and is fetched from other peers`,
      {
        bucket: bucket.name,
        entries: lost.length,
      },
    );
    return rest;
  }

  #rowsOf(bucket: Bucket, key: string): (Dot & DotRow)[] {
    const found: (Dot & DotRow)[] = [];
    for (const [origin] of bucket.vector.entries()) {
      const rows = this.#core.view.dots(bucket.name, origin, 1, Number.MAX_SAFE_INTEGER, 'rising');
      for (const row of rows) if (row.key === key) found.push({ ...row, origin });
    }
    return found;
  }

  /** A comparison says that the hash of the bucket does not fit its entries: it is counted anew, if not just done. */
  doubt(bucket: Bucket, now: number): void {
    if (now - (this.#doubtedAt.get(bucket) ?? -Infinity) < DOUBT_AGAIN_MS) return;
    this.#doubtedAt.set(bucket, now);
    this.#stale.add(bucket);
  }

  /** Whether totals are to be counted anew, in the next turn, when the store shows all. */
  get isStale(): boolean {
    return this.#stale.size > 0;
  }

  /** Counts keys, tombstones and the state hash anew; the store does the same for its sums. */
  recount(turn: Turn): void {
    const stale = [...this.#stale];
    // Further damage that comes to light makes a bucket stale once more.
    this.#stale.clear();
    for (const bucket of stale) {
      let keys = 0;
      let tombstones = 0;
      const sum = Fingerprint.empty();
      for (const stored of this.#core.view.cells(bucket.name, {})) {
        const cell = this.#checked(turn, bucket, stored);
        keys += Number(hasLive(cell));
        for (const entry of cell) if (isLive(entry)) sum.add(entry.digest);
        tombstones += cell.filter((entry) => !isLive(entry)).length;
      }
      Object.assign(bucket, { keys, tombstones });
      bucket.fingerprint.reset(sum);
      turn.totalsChanged(bucket);
      turn.rebuild(bucket);
    }
  }

  /**
   * A lost entry that nobody has will never come: its key is given up, by name, so that the bucket can be served again.
   * Others that hold what it had superseded are below our floor by that, and drop it too.
   */
  wake(turn: Turn): void {
    for (const bucket of this.#core.buckets.values()) {
      for (const [dot, mark] of bucket.damages) {
        const since = this.#missedSince.get(mark) ?? turn.now;
        this.#missedSince.set(mark, since);
        if (turn.now - since < GIVE_UP_MS[this.#keeperOf(bucket, mark, since)]) continue;
        bucket.damages.delete(dot);
        turn.damagesChanged(bucket);
        turn.cover(bucket, mark.origin, [mark.seq, mark.seq]);
        turn.raiseFloor(bucket, VersionVector.ofDots([mark]));
        this.#core.counters.rowsLost++;
        turn.note('error', 'row-lost', `the damaged row of '${mark.key}' is lost: no other peer has it`, {
          bucket: bucket.name,
          dot,
        });
      }
    }
  }

  nextWakeAt(now: number): number {
    const isWaiting = [...this.#core.buckets.values()].some(({ damages }) => damages.size > 0);
    return isWaiting ? now + LOOK_AGAIN_MS : Infinity;
  }

  #checked(turn: Turn, bucket: Bucket, cell: Cell): Cell {
    const key = cell[0]?.key;
    return key === undefined || cell.every(isSound) ? cell : this.quarantine(turn, bucket, key, cell);
  }
}

const isSame = (a: Dot, b: Dot): boolean => a.origin === b.origin && a.seq === b.seq;
