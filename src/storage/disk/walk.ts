import { Buffer } from 'node:buffer';
import { type RowStore, type TableName, TABLES } from '../rows.js';
import { CheckedRows } from './checked-rows.js';
import { isSealed, openRow } from './checksum.js';
import { readLayout } from './format.js';
import { damaged, LAYOUT } from './layout.js';
import { StateTable } from './state-table.js';

/** Below and above all keys. */
export const LOWEST = Buffer.of(0);
export const HIGHEST = Buffer.alloc(1200, 0xff);

/** Rows, and bytes of them, that are read without a pause. */
const SLICE = 10_000;
const SLICE_BYTES = 4 * 1024 * 1024;

/** What a walk has found in the rows beside cells and state. */
export interface Found {
  damagedRows: number;
}

/**
 * Reads all rows of a store, in slices: who has come to its end without an error, and alive, can open it. Cells are not
 * compared with their digests: damage in them is repaired.
 * @param quick reads the state alone, and the ends of the other tables
 * @throws RumeurError `DISK_FAILED` when the state is damaged, or rows are not in order
 * @throws the engine's error
 */
export function* walk(store: RowStore, quick: boolean, found: Found): Generator<void, undefined, undefined> {
  const layout = readLayout(store);
  if (typeof layout !== 'number') return undefined;
  const isChecked = layout === LAYOUT;
  new StateTable(isChecked ? new CheckedRows(store, () => undefined) : store).stored();
  yield;
  for (const table of TABLES) {
    if (quick) touchEnds(store, table);
    else yield* walkTable(store, table, isChecked ? found : undefined);
  }
  return undefined;
}

function touchEnds(store: RowStore, table: TableName): void {
  for (const reverse of [false, true]) {
    const rows = store.range(table, { start: LOWEST, end: HIGHEST, reverse })[Symbol.iterator]();
    rows.next();
    rows.return?.();
  }
}

function* walkTable(
  store: RowStore,
  table: TableName,
  found: Found | undefined,
): Generator<void, undefined, undefined> {
  for (let start: Buffer | undefined = LOWEST; start !== undefined;) {
    let rows = 0;
    let bytes = 0;
    let last: Buffer | undefined;
    for (const { key, value } of store.range(table, { start, end: HIGHEST })) {
      if (Buffer.compare(key, last ?? start) < (last ? 1 : 0)) throw damaged('the order of rows');
      if (found && isSealed(table) && openRow(table, key, value) === undefined) found.damagedRows++;
      last = key;
      bytes += key.length + value.length;
      if (++rows === SLICE || bytes > SLICE_BYTES) break;
    }
    yield;
    start = last && Buffer.concat([last, LOWEST]);
  }
  return undefined;
}
