import { describe, expect, test } from '@jest/globals';
import { findingText, trySeed } from './hunt.js';
import { FAULT_NAMES } from './plan/draw-faults.js';
import { drawPlan } from './plan/draw.js';
import { runPlan } from './scenario.js';

const SEEDS = Number(process.env['RUMEUR_SEEDS'] ?? 200);
const FIRST = Number(process.env['RUMEUR_SEED'] ?? 1);
const REDUCE_MS = 15_000;

/** Message types that some seeds cannot all need, and the whole suite must. */
const KINDS = [
  ...['hello', 'goodbye', 'push', 'digest', 'same', 'vectors', 'deltaRequest', 'chunk', 'credit', 'peers'],
  ...['below', 'compare', 'differ', 'listing', 'answer', 'roster', 'members'],
];
/** Actions are called otherwise than the faults that plan them, and these are none. */
const ACTIONS: Readonly<Record<string, string>> = {
  oneWay: 'cut',
  partition: 'cut',
  restoreUnnoticed: 'restore',
};
const TRAITS: ReadonlySet<string> = new Set(['otherPolicy', 'forgetful']);

describe('simulated peers', () => {
  test(
    `keep every rule under every kind of fault (${SEEDS} seeds from ${FIRST})`,
    () => {
      const tally = new Map<string, number>();
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        const result = trySeed(seed, REDUCE_MS);
        if (!result.ok) throw new Error(findingText(result.finding));
        for (const [what, n] of result.outcome.tally) tally.set(what, (tally.get(what) ?? 0) + n);
      }
      // An idle run must not pass.
      expect(tally.get('writes')).toBeGreaterThan(SEEDS * 30);
      expect(tally.get('cells')).toBeGreaterThan(SEEDS * 100);
      if (SEEDS < 100) return;
      const faults = FAULT_NAMES.filter((name) => !TRAITS.has(name)).map((name) => ACTIONS[name] ?? name);
      const writes = ['set', 'delete', 'incr', 'sadd', 'srem', 'read', 'resolve'];
      const checks = ['sheds', 'drops', 'promises'];
      const missing = [...faults, ...writes, ...KINDS, ...checks].filter((what) => !tally.get(what));
      expect(missing).toEqual([]);
    },
    Math.max(60_000, SEEDS * 1000),
  );

  test('the same plan gives the same run, also after it was written down', () => {
    const text = (plan: ReturnType<typeof drawPlan>): string => {
      const { world } = runPlan(plan);
      const states = world.peers.flatMap((peer) => world.buckets.map((name) => peer.stateText(name)));
      return [world.steps, world.now, ...states].join('\n');
    };
    const plan = drawPlan(7);
    expect(text(JSON.parse(JSON.stringify(plan)) as typeof plan)).toBe(text(plan));
  });
});
