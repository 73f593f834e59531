import { hasLive } from '../cell.js';
import { compareEntries } from '../entry.js';
import type { Policy } from '../policy.js';
import { asPut, refuseContext } from './refusals.js';

/** Last writer wins: the greatest write stands. */
export const lww: Policy = {
  name: 'lww',
  superseder: 'newer',

  admit: ([current], next) => (current && compareEntries(next, current) <= 0 ? undefined : [next]),

  prepare(cell, op, { droppedUpTo }) {
    const put = asPut(op);
    refuseContext(put);
    if (put.value === null && !hasLive(cell)) return undefined;
    // A tombstone that was dropped here may still stand elsewhere, and would win over a lesser write.
    return { value: put.value, above: cell[0]?.stamp ?? droppedUpTo };
  },

  renew: ({ value, stamp }) => ({ value, above: stamp }),
};
