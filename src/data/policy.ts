import { compareEntries, type Entry } from './entry.js';

/** The conflict policies that a config may name; more follow, one module each. */
export const POLICIES = ['lww'] as const;
export type PolicyName = (typeof POLICIES)[number];

/** Decides which of two writes of one key survives. */
export interface Policy {
  readonly name: PolicyName;
  /** Whether `next` replaces `current`. */
  wins(next: Entry, current: Entry): boolean;
}

/** Last writer wins: the greatest write stands. */
export const lww: Policy = {
  name: 'lww',
  wins: (next, current) => compareEntries(next, current) > 0,
};

export const policyOf = (name: PolicyName): Policy => ({ lww })[name];
