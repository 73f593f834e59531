import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { TableName } from '../rows.js';
import { writeUint32 } from './numbers.js';

/*
 * All rows but those of cells end in a CRC-32 over table, key and row: a right row in a wrong place is wrong as well.
 * It finds what a disk does by accident; each entry of a cell has a digest that finds more.
 */
const LENGTH = 4;

const SEEDS: Readonly<Record<TableName, number>> = {
  state: crc32('state'),
  entries: crc32('entries'),
  dots: crc32('dots'),
  tombstones: crc32('tombstones'),
  ranges: crc32('ranges'),
};

/** Whether the rows of a table have a checksum of their own. */
export const isSealed = (table: TableName): boolean => table !== 'entries';

/** The row with its checksum. */
export function sealRow(table: TableName, key: Buffer, row: Buffer): Buffer {
  const sealed = Buffer.allocUnsafe(row.length + LENGTH);
  row.copy(sealed);
  writeUint32(sealed, checksum(table, key, row), row.length);
  return sealed;
}

/** The row without its checksum; `undefined` when that does not fit. */
export function openRow(table: TableName, key: Buffer, sealed: Buffer): Buffer | undefined {
  const length = sealed.length - LENGTH;
  if (length < 0) return undefined;
  const row = sealed.subarray(0, length);
  return sealed.readUInt32BE(length) === checksum(table, key, row) ? row : undefined;
}

const checksum = (table: TableName, key: Buffer, row: Buffer): number => crc32(row, crc32(key, SEEDS[table]));
