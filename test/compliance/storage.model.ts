import { Buffer } from 'node:buffer';
import type { BucketName, OriginId } from '../../src/base/ids.js';
import type { Cell } from '../../src/data/cell.js';
import { compareEntries, type Entry, sealEntry } from '../../src/data/entry.js';
import { Fingerprint } from '../../src/data/fingerprint.js';
import type { Stamp } from '../../src/data/stamp.js';
import { VersionVector } from '../../src/data/version-vector.js';
import { RANGE_SHIFTS } from '../../src/protocol/ranges.js';
import type { Batch, DamageMark, Put, StoredState, Totals, VectorRow } from '../../src/replica/batch.js';
import type { DotOrder, DotRow, KeyRange, RangeLevel } from '../../src/replica/view.js';

/**
 * A write under a key, whose dot is `skip` seqs above the last one of its origin:
 * - `replace`: it alone stands then
 * - `beside`: it stands beside what was there
 * - `drop`: nothing is written, and what stood there is gone
 */
export interface Op {
  readonly bucket: BucketName;
  readonly origin: OriginId;
  readonly key: string;
  /** `null` deletes. */
  readonly value: Uint8Array | null;
  readonly kind?: 'replace' | 'beside' | 'drop';
  readonly skip?: number;
  readonly hasContext?: boolean;
}

interface BucketModel {
  readonly cells: Map<string, Cell>;
  readonly vector: VersionVector;
  readonly seqs: Map<OriginId, number>;
  readonly floor: Map<OriginId, number>;
  droppedUpTo: Stamp;
  damages: readonly DamageMark[];
}

/**
 * A plain model of what a store should hold: no index, no order, no sums, every answer worked out from the entries. It
 * makes the batches too, as a replica would.
 */
export class StoreModel {
  readonly #buckets = new Map<BucketName, BucketModel>();
  clock = 0n as Stamp;

  /** Takes the writes into the model and gives the batch that does the same to a store. */
  batch(ops: readonly Op[]): Batch {
    const touched = new Set(ops.map((op) => op.bucket));
    const marksBefore = new Map([...touched].map((bucket) => [bucket, this.#bucket(bucket).damages]));
    return {
      puts: oneForEachKey(ops.map((op) => this.#put(op))),
      vectors: [...touched].flatMap((bucket) => this.#vectorRows(bucket)),
      floors: [...touched].flatMap((bucket) => this.#floorRows(bucket)),
      totals: [...touched].map((bucket) => this.totals(bucket)),
      damages: [...touched].map((bucket) => {
        const { damages: set } = this.#bucket(bucket);
        const cleared = (marksBefore.get(bucket) ?? []).filter((mark) => !set.includes(mark));
        return { bucket, set, cleared, isUnsettled: isUnsettled(set) };
      }),
      members: [],
      clock: this.clock,
    };
  }

  #put(op: Op): Put {
    const { bucket, key, kind = 'replace' } = op;
    const model = this.#bucket(bucket);
    const before = this.get(bucket, key);
    const after = kind === 'drop' ? [] : [this.#entry(op, before), ...(kind === 'beside' ? before : [])];
    after.sort(compareEntries);
    if (kind === 'drop') this.#dropped(model, before);
    if (after.length === 0) model.cells.delete(key);
    else model.cells.set(key, after);
    return { bucket, key, before, after };
  }

  #entry({ bucket, origin, key, value, skip = 0, hasContext = false }: Op, before: Cell): Entry {
    const { seqs, vector } = this.#bucket(bucket);
    const seq = (seqs.get(origin) ?? 0) + 1 + skip;
    seqs.set(origin, seq);
    vector.add(origin, seq, seq);
    this.clock = (this.clock + 1n) as Stamp;
    const context = hasContext ? { context: VersionVector.ofDots(before.slice(0, 1)) } : {};
    return sealEntry({ key, origin, seq, stamp: this.clock, value, ...context });
  }

  /** The floor, the greatest stamp dropped and the damage marks go along, just so that they change now and then. */
  #dropped(model: BucketModel, before: Cell): void {
    for (const { origin, seq, stamp, key } of before) {
      model.floor.set(origin, Math.max(seq, model.floor.get(origin) ?? 0));
      if (stamp > model.droppedUpTo) model.droppedUpTo = stamp;
      const mark = { origin, seq, key, ...(seq % 2 === 0 ? { stamp } : {}) };
      model.damages = model.damages.length < 3 ? [...model.damages, mark] : [];
    }
  }

  get(bucket: BucketName, key: string): Cell {
    return this.#buckets.get(bucket)?.cells.get(key) ?? [];
  }

  #entries(bucket: BucketName): Entry[] {
    return [...(this.#buckets.get(bucket)?.cells.values() ?? [])].flat();
  }

  dots(bucket: BucketName, origin: OriginId, lo: number, hi: number, order: DotOrder): DotRow[] {
    const rows = this.#entries(bucket)
      .filter((entry) => entry.origin === origin && entry.seq >= lo && entry.seq <= hi)
      .sort((a, b) => a.seq - b.seq)
      .map(plainRow);
    return order === 'rising' ? rows : rows.reverse();
  }

  tombstones(bucket: BucketName, origin: OriginId, lo: number, hi: number): DotRow[] {
    const isTombstone = ({ key, seq }: DotRow): boolean =>
      this.get(bucket, key).some(
        (entry) => entry.origin === origin && entry.seq === seq && entry.value === null,
      );
    return this.dots(bucket, origin, lo, hi, 'rising').filter(isTombstone);
  }

  cells(bucket: BucketName, { prefix = '', after = '' }: KeyRange): Cell[] {
    return [...(this.#buckets.get(bucket)?.cells ?? [])]
      .filter(([key]) => key.startsWith(prefix) && byBytes(key, after) > 0)
      .sort(([a], [b]) => byBytes(a, b))
      .map(([, cell]) => cell);
  }

  /** `index: sum`, rising. */
  ranges(bucket: BucketName, origin: OriginId, level: RangeLevel, from: number, to: number): string[] {
    const sums = new Map<number, Fingerprint>();
    const live = this.#entries(bucket).filter((entry) => entry.origin === origin && entry.value !== null);
    for (const { seq, digest } of live.sort((a, b) => a.seq - b.seq)) {
      const index = Number(BigInt(seq) >> BigInt(RANGE_SHIFTS[level]));
      if (index < from || index > to) continue;
      const sum = sums.get(index) ?? Fingerprint.empty();
      sum.add(digest);
      sums.set(index, sum);
    }
    return [...sums].map(([index, sum]) => plainRange({ index, sum: sum.toBytes() }));
  }

  /** What a store with this state reports when it is opened, in a form that can be compared. */
  stored(): ComparableState {
    const buckets = new Map(
      [...this.#buckets].map(([name, { damages }]) => {
        const { keys, tombstones, droppedUpTo, hash } = this.totals(name);
        const vector = this.#vectorRows(name).map(({ origin, intervals }) => [origin, intervals] as const);
        const floor = this.#floorRows(name).map(({ origin, intervals }) => [origin, intervals] as const);
        const marks = { damages, isUnsettled: isUnsettled(damages) };
        return [name, { keys, tombstones, droppedUpTo, hash, vector, floor, ...marks }] as const;
      }),
    );
    return comparable({ clock: this.clock, buckets });
  }

  totals(bucket: BucketName): Totals {
    const { cells, droppedUpTo } = this.#bucket(bucket);
    const hash = Fingerprint.empty();
    const isLive = ({ value }: Entry): boolean => value !== null;
    const live = this.#entries(bucket).filter(isLive);
    for (const { digest } of live) hash.add(digest);
    const keys = [...cells.values()].filter((cell) => cell.some(isLive)).length;
    const tombstones = this.#entries(bucket).length - live.length;
    return { bucket, keys, tombstones, droppedUpTo, hash: hash.toBytes() };
  }

  #vectorRows(bucket: BucketName): VectorRow[] {
    return [...this.#bucket(bucket).vector.entries()].map(([origin, intervals]) => ({
      bucket,
      origin,
      intervals,
    }));
  }

  #floorRows(bucket: BucketName): VectorRow[] {
    return [...this.#bucket(bucket).floor].map(([origin, seq]) => ({ bucket, origin, intervals: [1, seq] }));
  }

  #bucket(name: BucketName): BucketModel {
    let model = this.#buckets.get(name);
    if (model === undefined) {
      model = {
        cells: new Map(),
        vector: new VersionVector(),
        seqs: new Map(),
        floor: new Map(),
        droppedUpTo: 0n as Stamp,
        damages: [],
      };
      this.#buckets.set(name, model);
    }
    return model;
  }
}

/** Just so that it changes now and then. */
const isUnsettled = (marks: readonly DamageMark[]): boolean => marks.length === 2;

export interface ComparableState {
  clock: Stamp;
  buckets: unknown[];
}

export function comparable({ clock, buckets }: Pick<StoredState, 'clock' | 'buckets'>): ComparableState {
  const rows = [...buckets].map(([name, { hash, vector, floor, damages, ...counts }]) => ({
    name,
    ...counts,
    hash: Buffer.from(hash).toString('hex'),
    vector: vector.map(([origin, intervals]) => `${origin}:${intervals.join('-')}`).sort(),
    floor: floor.map(([origin, intervals]) => `${origin}:${intervals.join('-')}`).sort(),
    damages: damages.map(({ origin, seq, key, stamp }) => `${origin}.${seq} ${key} ${stamp ?? ''}`).sort(),
  }));
  return { clock, buckets: rows.sort((a, b) => byBytes(a.name, b.name)) };
}

/** A cell as text: engines may give Buffers or plain arrays for the same bytes. */
export const plain = (cell: Cell): unknown[] => cell.map(plainEntry);

const plainEntry = (entry: Entry): unknown => ({
  key: entry.key,
  dot: `${entry.origin}.${entry.seq}`,
  stamp: entry.stamp,
  digest: Buffer.from(entry.digest).toString('hex'),
  value: entry.value && Buffer.from(entry.value).toString('base64'),
  context: entry.context?.toText(),
});

export const plainRow = ({ seq, stamp, key }: DotRow): DotRow => ({ seq, stamp, key });

export const plainRange = ({ index, sum }: { index: number; sum: Uint8Array }): string =>
  `${index}: ${Buffer.from(sum).toString('hex')}`;

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What stood under a key before the first of its puts, and what stands after the last. */
function oneForEachKey(puts: readonly Put[]): Put[] {
  const places = new Map<string, Put>();
  for (const put of puts) {
    const place = `${put.bucket} ${put.key}`;
    places.set(place, { ...put, before: (places.get(place) ?? put).before });
  }
  return [...places.values()];
}
