import { equalBytes } from '../../base/bytes.js';
import type { BucketName, OriginId } from '../../base/ids.js';
import { type Cell, isLive, standing } from '../../data/cell.js';
import type { Dot } from '../../data/dot.js';
import { type Entry, isSound } from '../../data/entry.js';
import { STAMP_ZERO } from '../../data/stamp.js';
import { VersionVector } from '../../data/version-vector.js';
import { RANGE_SHIFTS } from '../../protocol/ranges.js';
import type { StoredBucket } from '../../replica/batch.js';
import type { DotRow } from '../../replica/view.js';
import { RANGE_LEVELS, RangeSums } from '../range-sums.js';
import { Recount } from '../recount.js';
import { isUnreadable } from '../unreadable.js';
import type { Disk } from './disk.js';

export type ProblemKind =
  /** The row of a cell that makes no sense. */
  | 'cell-unreadable'
  /** A row of an index or of the range sums that does not match its checksum. */
  | 'row-damaged'
  /** An entry whose content does not match its digest. */
  | 'entry-damaged'
  /** An entry that the version vector does not cover. */
  | 'entry-uncovered'
  /** An entry without a row in the dot index, or with another's. */
  | 'dot-missing'
  /** A row of the dot index whose entry does not stand. */
  | 'dot-dangling'
  | 'tombstone-missing'
  | 'tombstone-dangling'
  /** The sum of a block of dots is not that of its entries; `dot` is the first that the block may hold. */
  | 'range-sum'
  /** The counts of keys and tombstones. */
  | 'totals'
  | 'state-hash';

export interface Problem {
  readonly kind: ProblemKind;
  readonly key?: string;
  readonly dot?: Dot;
}

export interface BucketReport {
  /** With a live value. */
  readonly keys: number;
  /** Live ones and tombstones. */
  readonly entries: number;
  readonly tombstones: number;
  /** The first 100. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
}

const MAX_PROBLEMS = 100;

/** Checks one bucket, in slices. */
export class BucketCheck {
  readonly #disk: Disk;
  readonly #bucket: BucketName;
  readonly #stored: StoredBucket | undefined;
  readonly #vector: VersionVector;
  readonly #counted = new Recount();
  readonly #sums = new RangeSums();
  readonly #problems: Problem[] = [];
  readonly #rows: Iterator<void>;
  readonly #damagedBefore: number;
  #entries = 0;
  #problemCount = 0;

  constructor(disk: Disk, bucket: BucketName, stored: StoredBucket | undefined) {
    this.#disk = disk;
    this.#bucket = bucket;
    this.#stored = stored;
    this.#damagedBefore = disk.damagedRows;
    this.#vector = new VersionVector(stored?.vector);
    this.#rows = this.#steps();
  }

  /** Checks up to `count` rows more. @returns how many; none when all have been checked */
  next(count: number): number {
    let done = 0;
    while (done < count && this.#rows.next().done !== true) done++;
    return done;
  }

  *#steps(): Generator<void, undefined, undefined> {
    for (const { key, cell } of this.#disk.cells(this.#bucket, {})) {
      this.#checkCell(key, cell);
      yield;
    }
    for (const origin of this.#disk.originNames()) {
      for (const row of this.#rowsOf(origin, 'dots')) {
        if (!this.#entryOf(origin, row)) this.#found('dot-dangling', row.key, { origin, seq: row.seq });
        yield;
      }
      for (const row of this.#rowsOf(origin, 'tombstones')) {
        const entry = this.#entryOf(origin, row);
        if (!entry || isLive(entry)) this.#found('tombstone-dangling', row.key, { origin, seq: row.seq });
      }
    }
    this.#checkSums();
    this.#checkTotals();
    for (let found = this.#disk.damagedRows - this.#damagedBefore; found > 0; found--)
      this.#found('row-damaged');
    return undefined;
  }

  #checkCell(key: string, cell: Cell): void {
    this.#counted.add(cell, this.#sums);
    for (const entry of cell) {
      if (isUnreadable(entry)) {
        this.#found('cell-unreadable', key);
        continue;
      }
      this.#entries++;
      const { origin, seq } = entry;
      const dot = { origin, seq };
      if (!isSound(entry)) this.#found('entry-damaged', key, dot);
      if (!this.#vector.covers(entry)) this.#found('entry-uncovered', key, dot);
      if (!names(this.#disk.dot(this.#bucket, origin, seq), entry)) this.#found('dot-missing', key, dot);
      if (isLive(entry)) continue;
      const [tombstone] = this.#disk.tombstones(this.#bucket, origin, seq, seq);
      if (!names(tombstone?.row, entry)) this.#found('tombstone-missing', key, dot);
    }
  }

  /** Takes the sums in the file away from those that the cells come to: what remains is wrong. */
  #checkSums(): void {
    for (const origin of this.#disk.originNames()) {
      for (const level of RANGE_LEVELS) {
        const rows = this.#disk.ranges(this.#bucket, origin, level, 0, Number.MAX_SAFE_INTEGER);
        for (const row of rows) this.#sums.subtract(origin, level, row);
      }
    }
    for (const { origin, level, index, sum } of this.#sums.blocks()) {
      const seq = Math.max(1, index * 2 ** RANGE_SHIFTS[level]);
      if (!sum.isZero) this.#found('range-sum', undefined, { origin, seq });
    }
  }

  #checkTotals(): void {
    const counted = this.#counted.totals(this.#bucket, STAMP_ZERO);
    const { keys = 0, tombstones = 0, hash = new Uint8Array(counted.hash.length) } = this.#stored ?? {};
    if (keys !== counted.keys || tombstones !== counted.tombstones) this.#found('totals');
    if (!equalBytes(hash, counted.hash)) this.#found('state-hash');
  }

  *#rowsOf(origin: OriginId, table: 'dots' | 'tombstones'): Generator<DotRow, undefined, undefined> {
    const all = [this.#bucket, origin, 1, Number.MAX_SAFE_INTEGER] as const;
    const slots = table === 'dots' ? this.#disk.dots(...all, 'rising') : this.#disk.tombstones(...all);
    for (const { row } of slots) if (row !== null) yield row;
    return undefined;
  }

  #entryOf(origin: OriginId, { seq, key }: DotRow): Entry | undefined {
    return standing(this.#disk.get(this.#bucket, key) ?? [], { origin, seq });
  }

  #found(kind: ProblemKind, key?: string, dot?: Dot): void {
    this.#problemCount++;
    if (this.#problems.length === MAX_PROBLEMS) return;
    this.#problems.push({
      kind,
      ...(key === undefined ? {} : { key }),
      ...(dot === undefined ? {} : { dot }),
    });
  }

  report(): BucketReport {
    const { keys, tombstones } = this.#counted.totals(this.#bucket, STAMP_ZERO);
    return {
      keys,
      entries: this.#entries,
      tombstones,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }
}

const names = (row: DotRow | null | undefined, { key, stamp }: Entry): boolean =>
  row?.key === key && row.stamp === stamp;
