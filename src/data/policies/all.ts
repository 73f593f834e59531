import type { Policy, PolicyName } from '../policy.js';
import { counter } from './counter.js';
import { fww } from './fww.js';
import { lww } from './lww.js';
import { set } from './set.js';
import { siblings } from './siblings.js';

const ALL: Readonly<Record<PolicyName, Policy>> = { lww, fww, siblings, counter, set };

export const policyOf = (name: PolicyName): Policy => ALL[name];
