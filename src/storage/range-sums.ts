import type { OriginId } from '../base/ids.js';
import type { Entry } from '../data/entry.js';
import { RANGE_SHIFTS } from '../protocol/ranges.js';
import type { RangeLevel, RangeRow } from '../replica/view.js';
import { Sum } from './sum.js';

export const RANGE_LEVELS: readonly RangeLevel[] = [0, 1, 2];

const BLOCK_SIZES = [2 ** RANGE_SHIFTS[0], 2 ** RANGE_SHIFTS[1], 2 ** RANGE_SHIFTS[2]] as const;

/** The block of a level that holds this seq. Not by shifting: that ends at 32 bits. */
export const blockOf = (seq: number, level: RangeLevel): number => Math.floor(seq / BLOCK_SIZES[level]);

type Blocks = Map<number, Sum>;

/** One block's sum, or how much it changes. */
export interface BlockSum {
  readonly origin: OriginId;
  readonly level: RangeLevel;
  readonly index: number;
  readonly sum: Sum;
}

/** Range sums of a bucket under way, or differences of them: what entries come to that are added and removed. */
export class RangeSums {
  readonly #origins = new Map<OriginId, readonly [Blocks, Blocks, Blocks]>();

  add({ origin, seq, digest }: Entry): void {
    const [fine, middle, coarse] = this.#levels(origin);
    sumIn(fine, blockOf(seq, 0)).add(digest);
    sumIn(middle, blockOf(seq, 1)).add(digest);
    sumIn(coarse, blockOf(seq, 2)).add(digest);
  }

  remove({ origin, seq, digest }: Entry): void {
    const [fine, middle, coarse] = this.#levels(origin);
    sumIn(fine, blockOf(seq, 0)).remove(digest);
    sumIn(middle, blockOf(seq, 1)).remove(digest);
    sumIn(coarse, blockOf(seq, 2)).remove(digest);
  }

  /** Takes a row away from its block. */
  subtract(origin: OriginId, level: RangeLevel, { index, sum }: RangeRow): void {
    sumIn(this.#levels(origin)[level], index).remove(sum);
  }

  /** All blocks, those with a sum of zero included. */
  *blocks(): Generator<BlockSum, undefined, undefined> {
    for (const [origin, levels] of this.#origins) {
      for (const level of RANGE_LEVELS) {
        for (const [index, sum] of levels[level]) yield { origin, level, index, sum };
      }
    }
    return undefined;
  }

  #levels(origin: OriginId): readonly [Blocks, Blocks, Blocks] {
    let levels = this.#origins.get(origin);
    if (levels === undefined) this.#origins.set(origin, (levels = [new Map(), new Map(), new Map()]));
    return levels;
  }
}

function sumIn(blocks: Blocks, index: number): Sum {
  let sum = blocks.get(index);
  if (sum === undefined) blocks.set(index, (sum = new Sum()));
  return sum;
}
