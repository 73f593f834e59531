import { compareUtf8 } from '../base/bytes.js';
import { type Cell, hasLive, standing } from '../data/cell.js';
import { type Dot, dotToText } from '../data/dot.js';
import { isSound } from '../data/entry.js';
import { VersionVector } from '../data/version-vector.js';
import type { DamageMark } from './batch.js';
import { takeOutOfSums } from './block-sums.js';
import type { Bucket } from './bucket.js';
import { floorFor } from './compactness.js';
import type { Core } from './core.js';
import { DotSearch, type IndexedDot, isTombstoneAt, rowAt } from './dot-search.js';
import { Recount } from './recount.js';
import type { Turn } from './turn.js';

/** Who may have what is lost here: a neighbour that covers it, a member that is away and can not be asked, or nobody. */
export type Keeper = 'neighbour' | 'away' | 'nobody';

/** How long a lost entry is waited for, by who may have it, milliseconds: a neighbour may be as damaged as we are. */
const GIVE_UP_MS: Readonly<Record<Keeper, number>> = { nobody: 60_000, neighbour: 600_000, away: Infinity };
const LOOK_AGAIN_MS = 5_000;
/** Marks looked at in one turn. */
const LOOKED_AT = 200;
/** To count a bucket anew takes a while, and another peer may ask for it with a lie: at most this often, milliseconds. */
const DOUBT_AGAIN_MS = 3_600_000;

/** @param since when the dot was first missed, on the monotonic clock, milliseconds */
export type KeeperOf = (bucket: Bucket, dot: Dot, since: number) => Keeper;

/**
 * Rows that do not hold what was written (rule 15). What stood there is uncovered, so that other peers send it again;
 * until it is back, nothing is claimed for the bucket, as what the lost entry had superseded stays covered: deltas bring
 * exact dots only.
 *
 * A row goes together with its part in all sums and totals, in one batch: a crash leaves nothing to be mended.
 */
export class Damage {
  readonly #core: Core;
  readonly #keeperOf: KeeperOf;
  readonly #search: DotSearch;
  readonly #recount: Recount;
  /** When each lost dot was first missed. */
  readonly #missedSince = new WeakMap<DamageMark, number>();
  readonly #doubtedAt = new Map<Bucket, number>();
  /** When to look again for what nobody has, and what is still to be looked at this time. */
  #lookAt = 0;
  #looked: { readonly bucket: Bucket; readonly mark: DamageMark }[] = [];

  constructor(core: Core, keeperOf: KeeperOf) {
    this.#core = core;
    this.#keeperOf = keeperOf;
    this.#search = new DotSearch(core, (...found) => this.#searched(...found));
    this.#recount = new Recount(core);
    for (const bucket of core.buckets.values()) if (bucket.damages.isUnsettled) this.#recount.request(bucket);
  }

  /**
   * Takes out of a cell what is not sound, or what the dot index names and the cell does not hold. Where a row does not
   * even tell which dots it held, they are looked up first: slowly, as the index is by dot.
   * @param missing a dot that the index names and the cell does not hold
   * @returns the rest of the cell
   */
  quarantine(turn: Turn, bucket: Bucket, key: string, cell: Cell, missing?: Dot): Cell {
    const rest = cell.filter(isSound);
    if (bucket.damages.unread.has(key)) return rest;
    const lost = this.#lostIn(bucket, key, cell, missing);
    if (lost) {
      this.#takeOut(turn, bucket, key, { cell, lost, hadLive: hasLive(rest) });
    } else {
      bucket.damages.unread.set(key, hasLive(rest));
      turn.damage.setUnsettled(bucket, true);
    }
    return rest;
  }

  /** The dots that a cell does not answer for; `undefined` when it does not tell, as the dots themselves may be damaged. */
  #lostIn(bucket: Bucket, key: string, cell: Cell, missing: Dot | undefined): IndexedDot[] | undefined {
    const named: Dot[] = cell.filter((entry) => !isSound(entry));
    if (missing && !standing(cell, missing)) named.push(missing);
    if (named.length === 0 || new Set(cell.map(dotToText)).size < cell.length) return undefined;
    const lost: IndexedDot[] = [];
    for (const { origin, seq } of named) {
      const row = rowAt(this.#core.view, bucket, { origin, seq });
      if (row?.key !== key) return undefined;
      lost.push({ ...row, origin });
    }
    return lost;
  }

  #searched(turn: Turn, bucket: Bucket, key: string, dots: readonly IndexedDot[]): void {
    const { damages } = bucket;
    const hadLive = damages.unread.get(key) === true;
    damages.unread.delete(key);
    // It may have been written over meanwhile.
    const cell = this.#core.view.get(bucket.name, key);
    const sound = cell.filter(isSound);
    const lost = dots.filter((dot) => !standing(sound, dot));
    if (lost.length > 0 || sound.length < cell.length)
      this.#takeOut(turn, bucket, key, { cell, lost, hadLive });
    if (damages.unread.size === 0 && !this.#recount.isDue(bucket)) turn.damage.setUnsettled(bucket, false);
  }

  /** @param found `hadLive`: whether what of the row could be read had a value when it was found to be damaged */
  #takeOut(
    turn: Turn,
    bucket: Bucket,
    key: string,
    { cell, lost, hadLive }: { cell: Cell; lost: readonly IndexedDot[]; hadLive: boolean },
  ): void {
    const rest = cell.filter(isSound);
    const dead = lost.filter((dot) => isTombstoneAt(this.#core.view, bucket, dot));
    turn.quarantine(bucket, key, rest, lost);
    if (!hadLive && dead.length < lost.length) bucket.keys--;
    bucket.tombstones -= dead.length;
    turn.totalsChanged(bucket);
    let hasDoubts = false;
    for (const dot of lost) {
      turn.uncover(bucket, dot.origin, [dot.seq, dot.seq]);
      if (takeOutOfSums(this.#core.view, turn, bucket, dot)) hasDoubts = true;
    }
    // What nobody can name by its dot any more is counted still; what a count under way comes across, perhaps no more.
    if (hasDoubts || lost.length < cell.length - rest.length || this.#recount.isDue(bucket)) {
      turn.damage.setUnsettled(bucket, true);
      this.#recount.request(bucket);
    }
    if (bucket.counting && compareUtf8(key, bucket.counting.upTo) <= 0) bucket.counting = undefined;
    this.#core.counters.rowsDamaged++;
    turn.note(
      'error',
      'row-damaged',
      `the stored row of '${key}' is damaged and is fetched from other peers`,
      { bucket: bucket.name, entries: lost.length },
    );
  }

  /** Rows of the indexes or the sums of a bucket are gone: they are made anew from the entries. */
  unsound(turn: Turn, bucket: Bucket): void {
    if (!bucket.damages.isUnsettled) {
      const text = `rows of the indexes of the bucket '${bucket.name}' are damaged and are made anew from its entries`;
      turn.note('error', 'index-damaged', text, { bucket: bucket.name });
    }
    turn.damage.setUnsettled(bucket, true);
    this.#recount.request(bucket);
  }

  /** A comparison says that the hash of the bucket does not fit its entries: it is counted anew, if not just done. */
  doubt(bucket: Bucket, now: number): void {
    if (now - (this.#doubtedAt.get(bucket) ?? -Infinity) < DOUBT_AGAIN_MS) return;
    this.#doubtedAt.set(bucket, now);
    this.#recount.request(bucket);
  }

  wake(turn: Turn): void {
    if (turn.now >= this.#lookAt) this.#giveUp(turn);
    // What reads the store waits for a turn in which it shows all.
    if (turn.wrote) return;
    if (this.#search.isBusy) this.#search.wake(turn);
    else if (this.#recount.isBusy) this.#recount.wake(turn);
  }

  /**
   * A lost entry that nobody has will never come: its key is given up, by name, so that the bucket can be served again.
   * Others that hold what it had superseded are below our floor by that, and drop it too.
   */
  #giveUp(turn: Turn): void {
    if (this.#looked.length === 0) {
      for (const bucket of this.#core.buckets.values())
        for (const mark of bucket.damages.values()) this.#looked.push({ bucket, mark });
    }
    for (const { bucket, mark } of this.#looked.splice(0, LOOKED_AT)) {
      const dot = dotToText(mark);
      if (!bucket.damages.has(dot)) continue;
      const since = this.#missedSince.get(mark) ?? turn.now;
      this.#missedSince.set(mark, since);
      if (turn.now - since < GIVE_UP_MS[this.#keeperOf(bucket, mark, since)]) continue;
      turn.damage.clearMark(bucket, mark);
      turn.cover(bucket, mark.origin, [mark.seq, mark.seq]);
      turn.raiseFloor(bucket, floorFor(bucket.floor, VersionVector.ofDots([mark]), bucket.vector));
      this.#core.counters.rowsLost++;
      turn.note('error', 'row-lost', `the damaged row of '${mark.key}' is lost: no other peer has it`, {
        bucket: bucket.name,
        dot,
      });
    }
    this.#lookAt = turn.now + (this.#looked.length === 0 ? LOOK_AGAIN_MS : 0);
  }

  nextWakeAt(now: number): number {
    if (this.#search.isBusy || this.#recount.isBusy) return now;
    const isWaiting = [...this.#core.buckets.values()].some(({ damages }) => damages.size > 0);
    return isWaiting ? Math.max(this.#lookAt, now) : Infinity;
  }
}
