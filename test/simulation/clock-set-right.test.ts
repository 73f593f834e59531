import { expect, test } from '@jest/globals';
import { tryPlan } from './hunt.js';
import { story } from './mutants/mutant.js';
import type { Action } from './plan/plan.js';

const SEEDS = [1, 2, 3, 4, 5];

/**
 * A run that ends well: at its end, when all clocks are right, all tombstones must be gone within 15 s and three times
 * `announceMs`. What the others announced last came as if from the future to who was late, and nothing changes after it.
 */
test('who was late hears what it left aside soon after its clock is set right, so that no tombstone stands for long', () => {
  const late: readonly Action[] = [
    { at: 2000, peer: 2, do: 'skew', ms: -64_000 },
    { at: 13_000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
    { at: 14_000, peer: 0, bucket: 'a', do: 'delete', key: 'k0' },
    // By then the others have announced that.
    { at: 15_000, do: 'setRight' },
  ];
  const outcomes = SEEDS.map((seed) => {
    const result = tryPlan(story(late)(seed), 0);
    return result.ok ? 'well' : `${result.finding.kind}: ${result.finding.message}`;
  });
  expect(outcomes).toEqual(SEEDS.map(() => 'well'));
});
