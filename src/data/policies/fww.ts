import { RumeurError } from '../../base/errors.js';
import { compareEntries } from '../entry.js';
import type { Policy } from '../policy.js';
import { asPut, refuseContext } from './refusals.js';

/** First writer wins: the least write stands, and nothing is written over or deleted. */
export const fww: Policy = {
  name: 'fww',
  superseder: 'older',

  admit: ([current], next) => (current && compareEntries(next, current) >= 0 ? undefined : [next]),

  prepare(cell, op) {
    const put = asPut(op);
    refuseContext(put);
    const { key, value } = put;
    if (value === null) {
      throw new RumeurError('POLICY', `'${key}' cannot be deleted: in this bucket the first write stands`, {
        hint: 'use a bucket with another policy for what may go again',
      });
    }
    // Whatever stands is older than a write of now, even a tombstone that no peer of ours wrote: it would win.
    if (cell.length > 0) {
      throw new RumeurError('EXISTS', `'${key}' exists: in this bucket the first write stands`, {
        hint: 'choose another key, or use a bucket with another policy',
      });
    }
    return { value };
  },

  renew: ({ value }) => ({ value }),
};
