import { CAUSAL_MUTANTS } from './mutants/causal.js';
import { DAMAGE_MUTANTS } from './mutants/damage.js';
import { DELTA_MUTANTS } from './mutants/deltas.js';
import type { Mutant } from './mutants/mutant.js';
import { RECONCILIATION_MUTANTS } from './mutants/reconciliation.js';
import { REST_MUTANTS } from './mutants/rest.js';
import { STORE_MUTANTS } from './mutants/stores.js';
import { TOMBSTONE_MUTANTS } from './mutants/tombstones.js';

/** Every rule taken out in turn. */
export const MUTANTS: readonly Mutant[] = [
  ...DELTA_MUTANTS,
  ...TOMBSTONE_MUTANTS,
  ...RECONCILIATION_MUTANTS,
  ...REST_MUTANTS,
  ...DAMAGE_MUTANTS,
  ...CAUSAL_MUTANTS,
  ...STORE_MUTANTS,
];
