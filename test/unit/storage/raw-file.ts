import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import { type TableName, TABLES } from '../../../src/storage/rows.js';
import { isSealed, openRow, sealRow } from '../../../src/storage/disk/checksum.js';

/** A table of rows in the data file, with or without their checksums. */
export class RawTable {
  readonly #name: TableName;
  readonly #rows: Database<Buffer, Buffer>;

  constructor(name: TableName, rows: Database<Buffer, Buffer>) {
    this.#name = name;
    this.#rows = rows;
  }

  /** All rows as they are in the file, copied. */
  raw(): { key: Buffer; value: Buffer }[] {
    return [...this.#rows.getRange()];
  }

  /** All rows without their checksums. */
  rows(): { key: Buffer; value: Buffer }[] {
    const opened = (key: Buffer, value: Buffer): Buffer | undefined =>
      isSealed(this.#name) ? openRow(this.#name, key, value) : value;
    return this.raw().map(({ key, value }) => ({ key, value: opened(key, value) ?? value }));
  }

  /** @param row gets a checksum */
  async put(key: Buffer, row: Buffer): Promise<void> {
    await this.putRaw(key, isSealed(this.#name) ? sealRow(this.#name, key, row) : row);
  }

  async putRaw(key: Buffer, row: Buffer): Promise<void> {
    await this.#rows.put(key, row);
  }

  async remove(key: Buffer): Promise<void> {
    await this.#rows.remove(key);
  }

  async drop(): Promise<void> {
    await this.#rows.drop();
  }
}

/** Opens the data file of a store that nobody uses as the tables of rows that it is, and closes it again. */
export async function withRawTables<T>(
  directory: string,
  use: (table: (name: TableName) => RawTable) => T | Promise<T>,
): Promise<T> {
  const options = { path: join(directory, 'data.mdb'), maxDbs: 8, overlappingSync: false };
  const root = open<unknown, string>(options);
  try {
    return await use(
      (name) =>
        new RawTable(name, root.openDB<Buffer, Buffer>(name, { keyEncoding: 'binary', encoding: 'binary' })),
    );
  } finally {
    await root.close();
  }
}

/** All rows without their checksums. */
export const rowsOf = (table: RawTable): { key: Buffer; value: Buffer }[] => table.rows();

/** Changes the row under the only key that fits; what it is changed to gets a checksum that fits as well. */
export async function spoil(
  table: RawTable,
  fits: (key: Buffer, row: Buffer) => boolean,
  change: (row: Buffer) => Buffer | undefined,
): Promise<void> {
  const found = rowsOf(table).filter(({ key, value }) => fits(key, value));
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} rows fit`);
  const row = change(found[0].value);
  if (row === undefined) await table.remove(found[0].key);
  else await table.put(found[0].key, row);
}

/** Makes of the store what the versions of the first or the second layout would have left. */
export const makeOld = (directory: string, layout: 1 | 2): Promise<void> =>
  withRawTables(directory, async (table) => {
    for (const name of TABLES) {
      const rows = table(name);
      // Together: each by itself would be a transaction of its own.
      await Promise.all(rows.rows().map(({ key, value }) => rows.putRaw(key, value)));
    }
    const state = table('state');
    await state.putRaw(Buffer.from('mformat'), Buffer.from(`${layout}`));
    if (layout === 2) return;
    for (const { key, value } of state.raw())
      if (key[0] === 't'.charCodeAt(0)) await state.putRaw(key, value.subarray(0, 24));
    await table('tombstones').drop();
    await table('ranges').drop();
  });
