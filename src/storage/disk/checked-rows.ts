import type { Buffer } from 'node:buffer';
import type { RowChange, RowRange, RowStore, StoredRow, TableName } from '../rows.js';
import type { StoreSizes } from '../storage.js';
import { isSealed, openRow, sealRow } from './checksum.js';
import { damaged } from './layout.js';

/**
 * Rows without their checksums: put on when they are written, looked at whenever they are read. A damaged row of
 * an index is told of and passed over, as indexes can be made anew. One of `state` is not: what it says nobody else knows.
 */
export class CheckedRows implements RowStore {
  readonly #store: RowStore;
  readonly #onDamage: (table: TableName, key: Buffer) => void;

  constructor(store: RowStore, onDamage: (table: TableName, key: Buffer) => void) {
    this.#store = store;
    this.#onDamage = onDamage;
  }

  /** @throws RumeurError `DISK_FAILED` for a damaged row of `state` */
  get(table: TableName, key: Buffer): Buffer | undefined {
    const row = this.#store.get(table, key);
    return row === undefined || !isSealed(table) ? row : this.#opened(table, key, row);
  }

  /** @throws as `get` */
  range(table: TableName, range: RowRange): Iterable<StoredRow> {
    const rows = this.#store.range(table, range);
    return isSealed(table) ? this.#openedAll(table, rows) : rows;
  }

  *#openedAll(table: TableName, rows: Iterable<StoredRow>): Generator<StoredRow, undefined, undefined> {
    for (const { key, value } of rows) {
      const row = this.#opened(table, key, value);
      if (row !== undefined) yield { key, value: row };
    }
    return undefined;
  }

  #opened(table: TableName, key: Buffer, sealed: Buffer): Buffer | undefined {
    const row = openRow(table, key, sealed);
    if (row !== undefined) return row;
    if (table === 'state') throw damaged('a row of the state');
    this.#onDamage(table, key);
    return undefined;
  }

  count(table: TableName): number {
    return this.#store.count(table);
  }

  write(rows: readonly RowChange[]): Promise<void> {
    return this.#store.write(rows.map(sealed));
  }

  sizes(): StoreSizes {
    return this.#store.sizes();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

const sealed = ({ table, key, row }: RowChange): RowChange =>
  row === undefined || !isSealed(table) ? { table, key, row } : { table, key, row: sealRow(table, key, row) };
