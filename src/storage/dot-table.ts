import type { OriginId } from '../base/ids.js';
import type { DotOrder, DotRow } from '../replica/view.js';
import { SortedMap } from './sorted-map.js';

/** A place in the dot index: `row` is `null` where a layer has taken the row out. */
export interface DotSlot {
  readonly seq: number;
  readonly row: DotRow | null;
}

type Slots = SortedMap<number, DotRow | null>;

/** Rows by dot: the dot index, or that of the tombstones. */
export class DotTable {
  readonly #marks: boolean;
  readonly #origins: Map<OriginId, Slots>;

  /** @param marks whether a removed row stays as a mark that hides the row of a table below */
  constructor(marks: boolean, origins: Iterable<readonly [OriginId, Slots]> = []) {
    this.#marks = marks;
    this.#origins = new Map(origins);
  }

  clone(): DotTable {
    return new DotTable(
      this.#marks,
      [...this.#origins].map(([origin, slots]) => [origin, slots.clone()]),
    );
  }

  set(origin: OriginId, row: DotRow): void {
    this.#slots(origin).set(row.seq, row);
  }

  remove(origin: OriginId, seq: number): void {
    if (this.#marks) this.#slots(origin).set(seq, null);
    else this.#origins.get(origin)?.delete(seq);
  }

  /** The row, `null` for a mark, `undefined` for neither. */
  get(origin: OriginId, seq: number): DotRow | null | undefined {
    return this.#origins.get(origin)?.get(seq);
  }

  *scan(origin: OriginId, lo: number, hi: number, order: DotOrder): Generator<DotSlot, undefined, undefined> {
    const slots = this.#origins.get(origin);
    if (slots === undefined || lo > hi) return undefined;
    for (const [seq, row] of order === 'rising' ? slots.entries(lo) : slots.entriesReversed(hi)) {
      if (seq < lo || seq > hi) return undefined;
      yield { seq, row };
    }
    return undefined;
  }

  origins(): Iterable<readonly [OriginId, Slots]> {
    return this.#origins;
  }

  #slots(origin: OriginId): Slots {
    let slots = this.#origins.get(origin);
    if (slots === undefined) {
      slots = new SortedMap<number, DotRow | null>(undefined, (a, b) => a - b);
      this.#origins.set(origin, slots);
    }
    return slots;
  }
}
