import type { Entry } from './entry.js';

/**
 * What stands under one key: the writes that no other supersedes, tombstones included, ascending by `compareEntries`.
 * Under `lww` and `fww` there is one at most. Never empty where something was ever written and not yet dropped.
 */
export type Cell = readonly Entry[];

export const EMPTY_CELL: Cell = [];

export const isLive = ({ value }: Entry): boolean => value !== null;

/** Whether there is a value under the key, not only tombstones. */
export const hasLive = (cell: Cell): boolean => cell.some(isLive);

/** What stands in `cell` and not in `other`, which share the entries that they have in common. */
export function without(cell: Cell, other: Cell): Cell {
  // Nearly all cells have one entry at most; of those with very many each write must not look at each other.
  if (cell.length === 0 || other.length === 0) return cell;
  if (cell.length === 1) return other.includes(cell[0] as Entry) ? EMPTY_CELL : cell;
  if (cell.length + other.length < 16) return cell.filter((entry) => !other.includes(entry));
  const others = new Set(other);
  return cell.filter((entry) => !others.has(entry));
}

/** The entry of this dot, if it stands in the cell. */
export const standing = (cell: Cell, dot: { origin: string; seq: number }): Entry | undefined =>
  cell.find(({ origin, seq }) => origin === dot.origin && seq === dot.seq);
