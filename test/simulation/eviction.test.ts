import { describe, expect, test } from '@jest/globals';
import { tryPlan } from './hunt.js';
import { story } from './mutants/mutant.js';
import type { Action } from './plan/plan.js';

const SEEDS = [1, 2, 3, 4, 5];

/** What a run says that ends well: at its end all tombstones must be gone, soon where all are linked to all. */
function outcomesOf(actions: readonly Action[]): string[] {
  return SEEDS.map((seed) => {
    const result = tryPlan(story(actions)(seed), 0);
    return result.ok ? 'well' : `${result.finding.kind}: ${result.finding.message}`;
  });
}

/** Peer `n` of three is cut off from the others. */
const cutOff = (at: number, n: number): Action => ({
  at,
  do: 'cut',
  how: 'drop',
  ways: [0, 1, 2]
    .filter((other) => other !== n)
    .flatMap((other) => [[n, other] as const, [other, n] as const]),
});

describe('tombstones go once an eviction is over', () => {
  test('whose peer comes back, and has to say something new before anybody waits for it', () => {
    const outcomes = outcomesOf([
      { at: 1000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
      cutOff(3000, 2),
      { at: 4000, peer: 0, do: 'evict', other: 2 },
      { at: 5000, peer: 1, bucket: 'a', do: 'delete', key: 'k0' },
      { at: 8000, do: 'heal' },
      { at: 12_000, peer: 2, bucket: 'a', do: 'set', key: 'k1', n: 2 },
      { at: 14_000, peer: 0, bucket: 'a', do: 'delete', key: 'k1' },
    ]);
    expect(outcomes).toEqual(SEEDS.map(() => 'well'));
  });

  test('although the one who evicts does not know its last word, which comes later and brings nobody back', () => {
    const outcomes = outcomesOf([
      { at: 1000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
      cutOff(3000, 0),
      // Peer 2 announces what it has to peer 1 alone, and is lost with its disk. In the end peer 0 evicts it.
      { at: 4000, peer: 2, bucket: 'a', do: 'set', key: 'k1', n: 2 },
      { at: 6000, peer: 2, do: 'wipe' },
      { at: 7000, peer: 1, bucket: 'a', do: 'delete', key: 'k0' },
    ]);
    expect(outcomes).toEqual(SEEDS.map(() => 'well'));
  });
});
