import type { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';

export type RawTable = Database<Buffer, Buffer>;

/** Opens the data file of a store that nobody uses as the tables of rows that it is, and closes it again. */
export async function withRawTables<T>(
  directory: string,
  use: (table: (name: string) => RawTable) => T | Promise<T>,
): Promise<T> {
  const root = open<unknown, string>({
    path: join(directory, 'data.mdb'),
    maxDbs: 8,
    overlappingSync: false,
  });
  try {
    return await use((name) =>
      root.openDB<Buffer, Buffer>(name, { keyEncoding: 'binary', encoding: 'binary' }),
    );
  } finally {
    await root.close();
  }
}

/** All rows, copied. */
export const rowsOf = (table: RawTable): { key: Buffer; value: Buffer }[] => [...table.getRange()];

/** Changes the row under the only key that fits. */
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
