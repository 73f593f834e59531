import { describe, expect, test } from '@jest/globals';
import { tryPlan } from './hunt.js';
import { story } from './mutants/mutant.js';
import type { Action } from './plan/plan.js';

const SEEDS = [1, 2, 3, 4, 5];

/** A run that ends well: at its end, when all clocks are right, all tombstones must be gone within 15 s and a bit. */
function outcomesOf(actions: readonly Action[]): string[] {
  return SEEDS.map((seed) => {
    const result = tryPlan(story(actions)(seed), 0);
    return result.ok ? 'well' : `${result.finding.kind}: ${result.finding.message}`;
  });
}

describe('no tombstone stands for long when a clock is set right', () => {
  test('which was late: the peer soon hears what it left aside, as it came as if from the future', () => {
    const outcomes = outcomesOf([
      { at: 2000, peer: 2, do: 'skew', ms: -64_000 },
      { at: 13_000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
      { at: 14_000, peer: 0, bucket: 'a', do: 'delete', key: 'k0' },
      // By then the others have announced that; nothing changes any more.
      { at: 15_000, do: 'setRight' },
    ]);
    expect(outcomes).toEqual(SEEDS.map(() => 'well'));
  });

  test('which first ran ahead: the peer goes above what it announced then', () => {
    const outcomes = outcomesOf([
      { at: 2000, peer: 2, do: 'skew', ms: 55_000 },
      { at: 3000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
      { at: 5000, peer: 2, do: 'skew', ms: -4_000_000 },
      { at: 6000, peer: 0, bucket: 'a', do: 'delete', key: 'k0' },
      // Before the others have announced that: it leaves nothing of it aside.
      { at: 6010, do: 'setRight' },
    ]);
    expect(outcomes).toEqual(SEEDS.map(() => 'well'));
  });
});
