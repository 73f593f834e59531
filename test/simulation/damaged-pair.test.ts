import { describe, expect, test } from '@jest/globals';
import { planned, story } from './mutants/mutant.js';
import type { Action } from './plan/plan.js';
import { type Outcome, runPlan } from './scenario.js';

const write = { bucket: 'a', do: 'set' } as const;
const flip = { bucket: 'a', do: 'flip', what: 'value' } as const;
const cut = {
  do: 'cut',
  how: 'drop',
  ways: [
    [0, 1],
    [1, 0],
  ],
} as const;

const eventsOf = ({ world }: Outcome): Set<string> =>
  new Set(world.peers.flatMap(({ notes }) => notes.map(({ event }) => event)));

/** Between two peers, under several seeds: they only tell when messages arrive. */
function outcomesOf(actions: readonly Action[]): Outcome[] {
  const plan = story(actions, { peers: planned(2), delayMs: [1, 5] });
  return [1, 2, 3].map((seed) => runPlan(plan(seed)));
}

describe('two damaged peers, each of which lacks a write that the other one covers and has superseded', () => {
  const lost: readonly Action[] = [
    { at: 1000, peer: 0, ...write, key: 'k0', n: 1 },
    { at: 1100, peer: 1, ...write, key: 'k1', n: 2 },
    { at: 5000, ...cut },
    // Of each write one copy goes, and the other one is replaced.
    { at: 5100, peer: 0, ...flip, key: 'k0' },
    { at: 5100, peer: 1, ...flip, key: 'k1' },
    // Who means to write there finds it out, and is refused.
    { at: 5200, peer: 0, ...write, key: 'k0', n: 3 },
    { at: 5200, peer: 1, ...write, key: 'k1', n: 4 },
    { at: 5300, peer: 0, ...write, key: 'k1', n: 5 },
    { at: 5300, peer: 1, ...write, key: 'k0', n: 6 },
  ];

  test('vouch for the keys that each of them still knows all about', () => {
    for (const outcome of outcomesOf([...lost, { at: 9000, do: 'heal' }])) {
      expect(outcome.settledAfter).toBeLessThan(20_000);
      expect(eventsOf(outcome)).toContain('row-repaired');
      expect(eventsOf(outcome)).not.toContain('row-lost');
    }
  });

  test('also beside a third one, which came later and covers neither', () => {
    const [newcomer] = planned(1);
    if (!newcomer) throw new Error('no newcomer');
    const join: Action = { at: 8000, do: 'join', as: { ...newcomer, friends: [0, 1] } };
    for (const outcome of outcomesOf([...lost, join, { at: 9000, do: 'heal' }])) {
      expect(outcome.settledAfter).toBeLessThan(20_000);
      expect(eventsOf(outcome)).not.toContain('row-lost');
    }
  });
});
