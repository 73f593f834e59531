import type { BucketName } from '../src/base/ids.js';
import { type Cell, EMPTY_CELL } from '../src/data/cell.js';
import type { Entry } from '../src/data/entry.js';
import type { Batch } from '../src/replica/batch.js';
import type { KeyRange } from '../src/replica/view.js';
import { type MemorySnapshot, MemoryStorage, type StoreIds } from '../src/storage/memory.js';
import type { Provenance } from '../src/storage/storage.js';
import { unreadableCell } from '../src/storage/unreadable.js';

/** What a bit that flips hits: a row's content, its checksum, the dot in it, its form; or the row is not found any more. */
export const DAMAGES = ['value', 'digest', 'dot', 'form', 'lost'] as const;
export type Damage = (typeof DAMAGES)[number];

/** A store at one moment, with the rows that are damaged in it. */
export interface Copy {
  readonly snapshot: MemorySnapshot;
  readonly damaged: ReadonlyMap<string, Cell>;
}

/** A memory store whose rows can be damaged in place, as a disk does it: nobody is told. */
export class SimStorage extends MemoryStorage {
  /** What is read under a key instead of what was written, until the row is written again. */
  readonly #damaged: Map<string, Cell>;

  constructor(ids: StoreIds, restored?: { copy: Copy; provenance: Provenance }) {
    super(ids, restored && { snapshot: restored.copy.snapshot, provenance: restored.provenance });
    this.#damaged = new Map(restored?.copy.damaged);
  }

  copy(): Copy {
    return { snapshot: this.snapshot(), damaged: new Map(this.#damaged) };
  }

  /** @returns whether there was a row to damage */
  damage(bucket: BucketName, key: string, what: Damage): boolean {
    const [first, ...rest] = super.get(bucket, key);
    if (!first) return false;
    this.#damaged.set(placeOf(bucket, key), brokenCell(first, rest, what));
    return true;
  }

  /** Rows that were not found are found again. */
  mendLost(): void {
    for (const [place, cell] of this.#damaged) if (cell.length === 0) this.#damaged.delete(place);
  }

  isDamaged(bucket: BucketName, key: string): boolean {
    return this.#damaged.has(placeOf(bucket, key));
  }

  /** The keys whose rows are damaged now. */
  damagedKeys(): { bucket: BucketName; key: string }[] {
    return [...this.#damaged.keys()].map((place) => {
      const at = place.indexOf('\0');
      return { bucket: place.slice(0, at) as BucketName, key: place.slice(at + 1) };
    });
  }

  get isSafe(): boolean {
    return this.#damaged.size === 0;
  }

  override get(bucket: BucketName, key: string): Cell {
    const cell = this.#damaged.size === 0 ? undefined : this.#damaged.get(placeOf(bucket, key));
    return cell ?? super.get(bucket, key);
  }

  override *cells(bucket: BucketName, range: KeyRange): Generator<Cell, undefined, undefined> {
    for (const cell of super.cells(bucket, range)) {
      const read = this.#damaged.get(placeOf(bucket, cell[0]?.key ?? '')) ?? cell;
      if (read.length > 0) yield read;
    }
    return undefined;
  }

  override commit(batch: Batch): void {
    if (this.#damaged.size > 0) {
      for (const { bucket, key } of batch.puts) this.#damaged.delete(placeOf(bucket, key));
    }
    super.commit(batch);
  }
}

const placeOf = (bucket: BucketName, key: string): string => `${bucket}\0${key}`;

function brokenCell(first: Entry, rest: readonly Entry[], what: Damage): Cell {
  if (what === 'lost') return EMPTY_CELL;
  if (what === 'form') return unreadableCell(first.key);
  return [broken(first, what), ...rest];
}

/** The entry with one bit the other way round. */
function broken(entry: Entry, what: 'value' | 'digest' | 'dot'): Entry {
  if (what === 'dot') return { ...entry, seq: entry.seq ^ 1 };
  if (what === 'digest' || entry.value === null || entry.value.length === 0) {
    return { ...entry, digest: flipped(entry.digest) };
  }
  return { ...entry, value: flipped(entry.value) };
}

function flipped(bytes: Uint8Array): Uint8Array {
  const other = new Uint8Array(bytes);
  other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
  return other;
}
