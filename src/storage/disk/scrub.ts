import { Buffer } from 'node:buffer';
import type { RowStore, TableName } from '../rows.js';
import { openRow } from './checksum.js';
import { HIGHEST, LOWEST } from './walk.js';

/** Cells are not among them: their entries have digests, which the replica's audit reads. */
const TABLES = ['state', 'dots', 'tombstones', 'ranges'] as const satisfies TableName[];

/** Reads the rows beside the cells round and round, a few at a time, so that damage is found before the row is needed. */
export class Scrub {
  readonly #store: RowStore;
  readonly #onDamage: (table: TableName, key: Buffer) => void;
  #table = 0;
  #start = LOWEST;

  /** @param store with the checksums */
  constructor(store: RowStore, onDamage: (table: TableName, key: Buffer) => void) {
    this.#store = store;
    this.#onDamage = onDamage;
  }

  /** Reads up to `count` rows more. */
  next(count: number): void {
    const table = TABLES[this.#table] ?? 'state';
    let rows = 0;
    for (const { key, value } of this.#store.range(table, { start: this.#start, end: HIGHEST })) {
      if (openRow(table, key, value) === undefined) this.#onDamage(table, key);
      this.#start = Buffer.concat([key, LOWEST]);
      if (++rows === count) return;
    }
    this.#table = (this.#table + 1) % TABLES.length;
    this.#start = LOWEST;
  }
}
