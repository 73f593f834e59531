import type { OriginId } from '../base/ids.js';
import { type Cell, hasLive, isLive, standing } from '../data/cell.js';
import { isSound } from '../data/entry.js';
import { Fingerprint } from '../data/fingerprint.js';
import { RANGE_SHIFTS } from '../protocol/ranges.js';
import { excessOf } from './block-sums.js';
import type { Bucket, CountedCells } from './bucket.js';
import type { Core } from './core.js';
import { isIndexed } from './dot-search.js';
import type { Turn } from './turn.js';
import type { RangeLevel } from './view.js';
import { readingCost, SLICE_COST } from './slice.js';

const BLOCK = 2 ** RANGE_SHIFTS[0];
/** Blocks of a level in one of the level above it. */
const FAN_OUT = 64;

interface Count {
  readonly bucket: Bucket;
  /** What the cells come to, until all are counted. */
  cells: CountedCells | undefined;
  /** Then the sums of blocks, level by level. */
  level: RangeLevel;
  /** The origins whose blocks of this level are still to be looked at, the next one last, and from which block on. */
  origins: OriginId[];
  index: number;
  /** All blocks are right. */
  isSummedUp: boolean;
}

/**
 * Counts a bucket anew, slice by slice, while it goes on being written: first keys and tombstones, cell by cell; then
 * the sums of blocks, each against what stands in it in that turn; and the hash from those.
 */
export class Recount {
  readonly #core: Core;
  readonly #due = new Set<Bucket>();
  #at: Count | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  request(bucket: Bucket): void {
    this.#due.add(bucket);
  }

  isDue(bucket: Bucket): boolean {
    return this.#due.has(bucket) || this.#at?.bucket === bucket;
  }

  get isBusy(): boolean {
    return this.#at !== undefined || this.#due.size > 0;
  }

  /** The next slice. The store must show all that the turn knows. */
  wake(turn: Turn): void {
    const at = (this.#at ??= this.#next());
    // Cells that cannot be read are looked up first.
    if (!at || at.bucket.damages.unread.size > 0) return;
    if (at.cells && at.bucket.counting !== at.cells) {
      // Something counted already was lost since.
      this.#at = begin(at.bucket);
    } else if (at.cells) {
      this.#countCells(turn, at, at.cells);
    } else if (!at.isSummedUp) {
      this.#sumUp(turn, at);
    } else {
      this.#finish(turn, at);
    }
  }

  #next(): Count | undefined {
    for (const bucket of this.#due) {
      this.#due.delete(bucket);
      return begin(bucket);
    }
    return undefined;
  }

  #countCells(turn: Turn, at: Count, cells: CountedCells): void {
    const { bucket } = at;
    let left = SLICE_COST;
    for (const stored of this.#core.view.cells(bucket.name, { after: cells.upTo })) {
      const key = stored[0]?.key;
      if (key === undefined) continue;
      const cell = stored.every(isSound) ? stored : turn.get(bucket, key);
      if (bucket.damages.unread.has(key)) return;
      this.#indexAgain(turn, bucket, key, cell);
      cells.upTo = key;
      cells.keys += Number(hasLive(cell));
      cells.tombstones += cell.filter((entry) => !isLive(entry)).length;
      left -= readingCost(stored);
      if (left <= 0) return;
    }
    bucket.keys = cells.keys;
    bucket.tombstones = cells.tombstones;
    turn.totalsChanged(bucket);
    bucket.counting = at.cells = undefined;
  }

  /**
   * An entry that the dot index has lost would never be sent to anybody, and be missing in the sums made from here on; a
   * tombstone that its index has lost would never be dropped.
   */
  #indexAgain(turn: Turn, bucket: Bucket, key: string, cell: Cell): void {
    const lost = cell.filter((entry) => !isIndexed(this.#core.view, bucket, entry));
    if (lost.length > 0) turn.indexAgain(bucket, key, cell, lost);
  }

  #sumUp(turn: Turn, at: Count): void {
    for (let left = SLICE_COST; left > 0;) {
      const origin = at.origins.at(-1);
      if (origin === undefined) return nextLevel(at);
      const index = this.#nextBlock(at, origin);
      left--;
      if (index === undefined) {
        at.origins.pop();
        at.index = 0;
        continue;
      }
      const block =
        at.level === 0 ? this.#standingIn(turn, at, origin, index) : this.#below(at, origin, index);
      // Damage came to light, which the store shows in the next turn only.
      if (!block) return;
      this.#correct(turn, at, origin, index, block.sum);
      left -= block.cost;
      at.index = index + 1;
    }
  }

  /** The first block from the one of the count on that has a sum, or something to be summed up in it. */
  #nextBlock({ bucket, level, index }: Count, origin: OriginId): number | undefined {
    const { view } = this.#core;
    const found: number[] = [];
    for (const row of view.ranges(bucket.name, origin, level, index, lastIndex(level))) {
      found.push(row.index);
      break;
    }
    if (level === 0) {
      for (const { seq } of view.dots(
        bucket.name,
        origin,
        index * BLOCK,
        Number.MAX_SAFE_INTEGER,
        'rising',
      )) {
        found.push(Math.floor(seq / BLOCK));
        break;
      }
    } else {
      const below = (level - 1) as RangeLevel;
      for (const row of view.ranges(bucket.name, origin, below, index * FAN_OUT, lastIndex(below))) {
        found.push(Math.floor(row.index / FAN_OUT));
        break;
      }
    }
    return found.length === 0 ? undefined : Math.min(...found);
  }

  /** What stands in a block of the finest level; `undefined` when something does not that should. */
  #standingIn(
    turn: Turn,
    { bucket }: Count,
    origin: OriginId,
    index: number,
  ): { sum: Fingerprint; cost: number } | undefined {
    const { view } = this.#core;
    const sum = Fingerprint.empty();
    let cost = 0;
    const [lo, hi] = [index * BLOCK, (index + 1) * BLOCK - 1];
    for (const { seq, key } of [...view.dots(bucket.name, origin, lo, hi, 'rising')]) {
      const cell = view.get(bucket.name, key);
      cost += readingCost(cell);
      const entry = standing(cell, { origin, seq });
      const isWhole = entry !== undefined && isSound(entry);
      if (isWhole && isLive(entry)) sum.add(entry.digest);
      if (isWhole || !bucket.vector.covers({ origin, seq })) continue;
      turn.distrust(bucket, key, { origin, seq });
      return undefined;
    }
    return { sum, cost };
  }

  /** What the blocks of the level below come to. */
  #below({ bucket, level }: Count, origin: OriginId, index: number): { sum: Fingerprint; cost: number } {
    const [from, to] = [index * FAN_OUT, (index + 1) * FAN_OUT - 1];
    const sum = Fingerprint.empty();
    for (const row of this.#core.view.ranges(bucket.name, origin, (level - 1) as RangeLevel, from, to))
      sum.add(row.sum);
    return { sum, cost: 1 };
  }

  #correct(turn: Turn, { bucket, level }: Count, origin: OriginId, index: number, is: Fingerprint): void {
    const stored = Fingerprint.empty();
    for (const row of this.#core.view.ranges(bucket.name, origin, level, index, index)) stored.add(row.sum);
    stored.remove(is.toBytes());
    const sum = excessOf(stored);
    if (sum) turn.damage.sums.push({ bucket: bucket.name, origin, level, index, sum });
  }

  /** The hash is what the coarsest blocks come to. Some thousand origins at most, a row or two of each. */
  #finish(turn: Turn, { bucket }: Count): void {
    const sum = Fingerprint.empty();
    for (const origin of originsOf(bucket)) {
      for (const row of this.#core.view.ranges(bucket.name, origin, 2, 0, lastIndex(2))) sum.add(row.sum);
    }
    bucket.fingerprint.reset(sum);
    turn.totalsChanged(bucket);
    this.#at = undefined;
    if (!this.#due.has(bucket)) turn.damage.setUnsettled(bucket, false);
  }
}

function begin(bucket: Bucket): Count {
  bucket.counting = { upTo: '', keys: 0, tombstones: 0 };
  return {
    bucket,
    cells: bucket.counting,
    level: 0,
    origins: originsOf(bucket),
    index: 0,
    isSummedUp: false,
  };
}

/** In a turn of its own, as the store does not show yet what was put right in this one. */
function nextLevel(at: Count): void {
  if (at.level === 2) {
    at.isSummedUp = true;
    return;
  }
  at.level = at.level === 0 ? 1 : 2;
  at.origins = originsOf(at.bucket);
  at.index = 0;
}

/** Nothing of an origin may be covered any more, and yet something be left in its sums. */
const originsOf = ({ vector, damages }: Bucket): OriginId[] => [
  ...new Set([...[...vector.entries()].map(([origin]) => origin), ...damages.origins()]),
];

const lastIndex = (level: RangeLevel): number => 2 ** (53 - RANGE_SHIFTS[level]) - 1;
