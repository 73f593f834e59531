import type { Buffer } from 'node:buffer';
import type { RowChange, RowRange, RowStore, StoredRow, TableName } from '../rows.js';
import type { StoreSizes } from '../storage.js';

/** Reads from one handle until something is to be written, and goes on with another one from there. */
export class LateRows implements RowStore {
  #rows: RowStore;
  #openToWrite: (() => Promise<RowStore>) | undefined;

  /** @param openToWrite the same content, in a place where it can be changed */
  constructor(rows: RowStore, openToWrite: () => Promise<RowStore>) {
    this.#rows = rows;
    this.#openToWrite = openToWrite;
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    return this.#rows.get(table, key);
  }

  range(table: TableName, range: RowRange): Iterable<StoredRow> {
    return this.#rows.range(table, range);
  }

  count(table: TableName): number {
    return this.#rows.count(table);
  }

  async write(rows: readonly RowChange[]): Promise<void> {
    if (this.#openToWrite !== undefined) {
      const readOnly = this.#rows;
      this.#rows = await this.#openToWrite();
      this.#openToWrite = undefined;
      await readOnly.close();
    }
    await this.#rows.write(rows);
  }

  sizes(): StoreSizes {
    return this.#rows.sizes();
  }

  async close(): Promise<void> {
    await this.#rows.close();
  }
}
