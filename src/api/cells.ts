import { utf8 } from '../base/bytes.js';
import { type Cell, isLive } from '../data/cell.js';
import type { Entry } from '../data/entry.js';
import { counterValue, totalOf } from '../data/policies/counter.js';
import type { PolicyName } from '../data/policy.js';

/** What a cell shows to who reads its key, and the greatest write that it is made of. */
export interface Visible {
  /** JSON text as UTF-8. */
  readonly value: Uint8Array;
  readonly entry: Entry;
  /** How many values stand side by side; 1 where the policy makes one of them. */
  readonly siblings: number;
}

/** `undefined` when nothing is live. Not for sets, of which a cell holds but one member. */
export function visibleOf(policy: PolicyName, cell: Cell): Visible | undefined {
  const live = cell.filter(isLive);
  const entry = live.at(-1);
  if (!entry?.value) return undefined;
  if (policy === 'counter') return { value: utf8(String(counterValue(cell))), entry, siblings: 1 };
  return { value: entry.value, entry, siblings: live.length };
}

/** What one write says, in words of its policy: of a counter the total of its origin. */
export const contentOf = (policy: PolicyName, { value }: Pick<Entry, 'value'>): Uint8Array | null =>
  policy === 'counter' && value ? utf8(String(totalOf(value))) : value;
