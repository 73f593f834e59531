import type { OriginId } from '../base/ids.js';
import type { RangeLevel, RangeRow } from '../replica/view.js';
import type { RangeSums } from './range-sums.js';
import { SortedMap } from './sorted-map.js';
import type { Sum } from './sum.js';

type Level = SortedMap<number, Sum>;
/** The finest first. */
export type RangeLevels = readonly [Level, Level, Level];

export interface RangeSlot extends RangeRow {
  /** `false`: to be added to the sum below. */
  readonly isWhole: boolean;
}

/**
 * Sums by origin, level and block: of the whole store, or what a layer adds to those below it. A block without a row
 * and one of zero are the same, so zeros have no row. Clones share the sums in the trees, which do not change except when a layer settles.
 */
export class RangeTable {
  readonly #origins: Map<OriginId, RangeLevels>;
  #isWhole = false;

  constructor(origins: Iterable<readonly [OriginId, RangeLevels]> = []) {
    this.#origins = new Map(origins);
  }

  clone(): RangeTable {
    return new RangeTable(
      [...this.#origins].map(([origin, [fine, middle, coarse]]) => [
        origin,
        [fine.clone(), middle.clone(), coarse.clone()],
      ]),
    );
  }

  add(sums: RangeSums): void {
    for (const { origin, level, index, sum } of sums.blocks()) {
      const rows = this.#levels(origin)[level];
      const next = rows.get(index)?.clone().addSum(sum) ?? sum;
      if (next.isZero) rows.delete(index);
      else rows.set(index, next);
    }
  }

  /**
   * Makes whole sums of the differences: for a layer that is about to be written and changes no more. Reads may find
   * its rows written already, and would add differences to them once more.
   * @param complete adds to each sum of an origin the one below it; sums of zero stay
   */
  settle(complete: (origin: OriginId, levels: RangeLevels) => void): void {
    this.#isWhole = true;
    for (const [origin, levels] of this.#origins) complete(origin, levels);
  }

  /** Rising by index. */
  *scan(
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Generator<RangeSlot, undefined, undefined> {
    for (const [index, sum] of this.#origins.get(origin)?.[level].entries(from) ?? []) {
      if (index > to) return undefined;
      yield { index, sum: sum.toBytes(), isWhole: this.#isWhole };
    }
    return undefined;
  }

  #levels(origin: OriginId): RangeLevels {
    let levels = this.#origins.get(origin);
    if (levels === undefined) {
      const empty = (): Level => new SortedMap<number, Sum>(undefined, (a, b) => a - b);
      this.#origins.set(origin, (levels = [empty(), empty(), empty()]));
    }
    return levels;
  }
}
