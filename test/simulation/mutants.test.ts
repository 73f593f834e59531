import { describe, expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.js';
import { runScenario } from './scenario.js';

/** Within so many seeds a rule that is taken out must be missed. */
const SEEDS = 60;

/** The first violation that a mutant shows, and after how many seeds. */
function hunt({ faults, sabotage }: (typeof MUTANTS)[number]): string {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      runScenario(seed, { faults, sabotage });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  return `nothing in ${SEEDS} seeds`;
}

describe('the simulator finds what breaks when a rule is taken out', () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', (_, mutant) => {
    expect(hunt(mutant)).toMatch(mutant.found);
  });
});
