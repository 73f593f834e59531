import { describe, expect, test } from '@jest/globals';
import { FAULT_NAMES } from './faults.js';
import { runScenario, runSeed } from './scenario.js';

const SEEDS = Number(process.env['RUMEUR_SEEDS'] ?? 150);
const FIRST = Number(process.env['RUMEUR_SEED'] ?? 1);

describe('simulated peers', () => {
  test(
    `converge after every kind of fault (${SEEDS} seeds from ${FIRST})`,
    () => {
      const tally = new Map<string, number>();
      const count = (what: string, n: number): void => void tally.set(what, (tally.get(what) ?? 0) + n);
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        const { world, diverged, settledAfter } = runSeed(seed);
        count('writes', world.log.length);
        count('settledAfter', settledAfter);
        if (diverged) count('diverged', 1);
        for (const [what, n] of [...world.tally, ...world.network.sent]) count(what, n);
      }
      // An idle run must not pass: what a few seeds cannot all meet, the whole suite must.
      expect(tally.get('writes')).toBeGreaterThan(SEEDS * 30);
      if (SEEDS < 100) return;
      const kinds = [
        'push',
        'digest',
        'same',
        'vectors',
        'deltaRequest',
        'chunk',
        'credit',
        'goodbye',
        'peers',
      ];
      for (const what of [...FAULT_NAMES, ...kinds])
        expect([what, tally.get(what) ?? 0]).not.toEqual([what, 0]);
      // Dots that name two writes are the exception, and only where an old store was put back.
      expect(tally.get('diverged') ?? 0).toBeLessThan(SEEDS * 0.1);
    },
    Math.max(30_000, SEEDS * 1000),
  );

  test('the same seed gives the same run', () => {
    const text = (): string => {
      const { world } = runScenario(7);
      return world.peers.map((peer) => `${peer.stateText()} ${world.steps}`).join('\n');
    };
    expect(text()).toBe(text());
  });
});
