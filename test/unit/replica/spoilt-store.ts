import { utf8 } from '../../../src/base/bytes.js';
import type { BucketName, OriginId } from '../../../src/base/ids.js';
import { type Cell, hasLive, isLive } from '../../../src/data/cell.js';
import { Fingerprint } from '../../../src/data/fingerprint.js';
import { RANGE_SHIFTS } from '../../../src/protocol/ranges.js';
import type { Batch } from '../../../src/replica/batch.js';
import type { DotOrder, DotRow, KeyRange, RangeLevel } from '../../../src/replica/view.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { unreadableCell } from '../../../src/storage/unreadable.js';
import { BUCKET, origin, peerId, type Subject } from './builders.js';

type How = 'value' | 'dot' | 'form' | 'gone';

/** A store in which rows can be spoilt; one that is written again is whole. Counts what is read. */
export class SpoiltStore extends MemoryStorage {
  readonly #spoilt = new Map<string, How>();
  readonly #unindexed: Set<string>;
  readonly #forgotten = new Set<string>();
  /** Cells and rows of the dot index. */
  rowsRead = 0;

  constructor(restored?: ConstructorParameters<typeof MemoryStorage>[1], unindexed: Iterable<string> = []) {
    super({ peerId: peerId('M'), origin: origin('m') }, restored);
    this.#unindexed = new Set(unindexed);
  }

  /** What a process finds that is started after this one died. */
  afterCrash(): SpoiltStore {
    return new SpoiltStore({ snapshot: this.snapshot(), provenance: 'untouched' }, this.#unindexed);
  }

  /** The dot index has lost its rows of a key. */
  unindex(key: string): void {
    this.#unindexed.add(key);
  }

  /** The index of tombstones has lost its rows of a key. */
  forgetTombstone(key: string): void {
    this.#forgotten.add(key);
  }

  /** @param how the value is another one; the first entry has the dot of its neighbour; nothing of the row can be read; there is no row any more */
  spoil(key: string, how: How = 'value'): void {
    this.#spoilt.set(key, how);
  }

  /** The row reads well again: it was the reading that failed. */
  mend(key: string): void {
    this.#spoilt.delete(key);
  }

  override get(bucket: BucketName, key: string): Cell {
    this.rowsRead++;
    return this.#read(key, super.get(bucket, key));
  }

  override *cells(bucket: BucketName, range: KeyRange): Generator<Cell, undefined, undefined> {
    for (const cell of super.cells(bucket, range)) {
      this.rowsRead++;
      const read = this.#read(cell[0]?.key ?? '', cell);
      if (read.length > 0) yield read;
    }
    return undefined;
  }

  override *dots(
    bucket: BucketName,
    from: OriginId,
    lo: number,
    hi: number,
    order: DotOrder,
  ): Generator<DotRow, undefined, undefined> {
    for (const row of super.dots(bucket, from, lo, hi, order)) {
      this.rowsRead++;
      if (!this.#unindexed.has(row.key)) yield row;
    }
    return undefined;
  }

  override *tombstones(
    bucket: BucketName,
    from: OriginId,
    lo: number,
    hi: number,
  ): Generator<DotRow, undefined, undefined> {
    for (const row of super.tombstones(bucket, from, lo, hi)) if (!this.#forgotten.has(row.key)) yield row;
    return undefined;
  }

  override commit(batch: Batch): void {
    super.commit(batch);
    for (const { key, before, after } of batch.puts) {
      this.#spoilt.delete(key);
      // What was there before keeps the rows that it has, or has not.
      if (before.length === after.length) continue;
      this.#unindexed.delete(key);
      this.#forgotten.delete(key);
    }
  }

  #read(key: string, cell: Cell): Cell {
    const how = this.#spoilt.get(key);
    if (how === undefined) return cell;
    if (how === 'gone') return [];
    if (how === 'dot') return cell.map((entry, i) => (i === 0 ? { ...entry, seq: entry.seq ^ 1 } : entry));
    return how === 'form'
      ? unreadableCell(key)
      : cell.map((entry) => ({ ...entry, value: utf8('"spoilt"') }));
  }
}

/** What the store and the replica count of what stands, and what it comes to; equal when all is well. */
export function accounts(subject: Subject): { counted: unknown; actual: unknown } {
  const { storage, bucket } = subject;
  const cells = [...storage.cells(BUCKET, {})];
  const live = cells.flat().filter(isLive);
  const hash = Fingerprint.empty();
  for (const { digest } of live) hash.add(digest);
  const origins = [...bucket.vector.entries()].map(([name]) => name);
  const levels: readonly RangeLevel[] = [0, 1, 2];
  const sums = new Map<string, Fingerprint>();
  for (const level of levels) {
    for (const entry of live) {
      const place = `${entry.origin} ${level}/${Math.floor(entry.seq / 2 ** RANGE_SHIFTS[level])}`;
      if (!sums.has(place)) sums.set(place, Fingerprint.empty());
      sums.get(place)?.add(entry.digest);
    }
  }
  const stored = origins.flatMap((name) =>
    levels.flatMap((level) =>
      [...storage.ranges(BUCKET, name, level, 0, Number.MAX_SAFE_INTEGER)].map(
        ({ index, sum }) => `${name} ${level}/${index} ${Fingerprint.fromBytes(sum).toText()}`,
      ),
    ),
  );
  const dots = origins.flatMap((name) =>
    [...storage.dots(BUCKET, name, 1, Number.MAX_SAFE_INTEGER, 'rising')].map(({ key }) => key),
  );
  return {
    counted: {
      keys: bucket.keys,
      tombstones: bucket.tombstones,
      hash: bucket.fingerprint.toText(),
      sums: stored.sort(),
      indexed: dots.sort(),
    },
    actual: {
      keys: cells.filter(hasLive).length,
      tombstones: cells.flat().length - live.length,
      hash: hash.toText(),
      sums: [...sums].map(([place, sum]) => `${place} ${sum.toText()}`).sort(),
      indexed: cells
        .flat()
        .map(({ key }) => key)
        .sort(),
    },
  };
}
