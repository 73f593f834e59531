import { describe, expect, test } from '@jest/globals';
import { trySeed } from './hunt.js';
import { MUTANTS } from './mutants.js';

/** Within so many seeds a rule that is taken out must be missed. */
const SEEDS = 60;

/** The kind of the first violation that a mutant shows. */
function hunt({ faults, draw, sabotage }: (typeof MUTANTS)[number]): string {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = trySeed(seed, 0, { ...draw, faults, policies: ['lww'], sabotage });
    if (!result.ok) return result.finding.kind;
  }
  return `nothing in ${SEEDS} seeds`;
}

describe('the simulator finds what breaks when a rule is taken out', () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', (_, mutant) => {
    expect(hunt(mutant)).toMatch(mutant.found);
  });
});
