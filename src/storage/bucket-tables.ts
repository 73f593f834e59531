import { compareUtf8 } from '../base/bytes.js';
import type { OriginId } from '../base/ids.js';
import type { Cell } from '../data/cell.js';
import type { Dot } from '../data/dot.js';
import type { Intervals } from '../data/intervals.js';
import type { DamageMark, Totals } from '../replica/batch.js';
import { DotTable } from './dot-table.js';
import { RangeTable } from './range-table.js';
import { SortedMap } from './sorted-map.js';

/** What `Tables` holds of one bucket. */
export interface BucketTables {
  readonly cells: SortedMap<string, Cell>;
  readonly dots: DotTable;
  readonly tombstones: DotTable;
  readonly ranges: RangeTable;
  /** An empty list: the origin was taken out. */
  readonly vector: Map<OriginId, Intervals>;
  readonly floor: Map<OriginId, Intervals>;
  totals: Totals | undefined;
  /** By dot; without a mark where a layer has cleared it. */
  readonly damages: Map<string, { readonly dot: Dot; readonly mark: DamageMark | undefined }>;
  isUnsettled: boolean | undefined;
}

export const emptyBucket = (marks: boolean): BucketTables => ({
  cells: new SortedMap<string, Cell>(undefined, compareUtf8),
  dots: new DotTable(marks),
  tombstones: new DotTable(marks),
  ranges: new RangeTable(),
  vector: new Map(),
  floor: new Map(),
  totals: undefined,
  damages: new Map(),
  isUnsettled: undefined,
});

/** A copy that shares nothing changeable. */
export const cloneBucket = (tables: BucketTables): BucketTables => ({
  cells: tables.cells.clone(),
  dots: tables.dots.clone(),
  tombstones: tables.tombstones.clone(),
  ranges: tables.ranges.clone(),
  vector: new Map(tables.vector),
  floor: new Map(tables.floor),
  totals: tables.totals,
  damages: new Map(tables.damages),
  isUnsettled: tables.isUnsettled,
});
