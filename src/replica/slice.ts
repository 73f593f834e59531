import type { Cell } from '../data/cell.js';
import { roughSize } from '../protocol/codec.js';

/** What may be read of the store in one turn by what reads all of it: a few milliseconds. */
export const SLICE_COST = 1_000;
/** To hash so many bytes takes about as long as to read one more small entry. */
const BYTES_AN_ENTRY = 4_096;

/** What it costs to read and hash a cell: 1 for a small entry. */
export function readingCost(cell: Cell): number {
  let cost = 0;
  for (const entry of cell) cost += 1 + Math.floor(roughSize(entry) / BYTES_AN_ENTRY);
  return cost;
}
