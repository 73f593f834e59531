import { type Cell, isLive } from '../cell.js';
import type { Entry } from '../entry.js';
import type { Policy } from '../policy.js';
import { admitBy, areTooManyBeside, prepareSeen, renewSeen, supersedesSeen } from './causal.js';
import { asPut } from './refusals.js';

/**
 * Concurrent writes are all kept, deletes among them, until a write that has seen them replaces them. Without a
 * context of its client a write has seen what this replica holds.
 */
export const siblings: Policy = {
  name: 'siblings',
  superseder: 'newer',
  areTooMany: areTooManyBeside,
  admit: admitBy(supersedesSeen),
  prepare: (cell, op, { vector }) => prepareSeen(cell, asPut(op), vector),
  renew: renewSeen,
};

/** The values that stand side by side, ascending by `compareEntries`. */
export const liveSiblings = (cell: Cell): Entry[] => cell.filter(isLive);
