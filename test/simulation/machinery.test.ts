import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { experimentOptions } from '../../cli/simulate/options.js';
import { reportText } from '../../cli/simulate/report.js';
import { runExperiment } from '../../simulator/experiment/experiment.js';
import { findingText, trySeed } from './hunt.js';
import { SimulationLog } from './long/log.js';
import { MUTANTS } from './mutants.js';
import { drawPlan } from './plan/draw.js';
import type { Action } from './plan/plan.js';
import { reduce } from './reduce.js';

describe('reducing a plan', () => {
  test('leaves exactly what the failure needs', () => {
    const plan = drawPlan(3);
    const needed = [plan.actions[17], plan.actions[90], plan.actions[91]] as Action[];
    const fails = ({ actions }: typeof plan): boolean => needed.every((action) => actions.includes(action));
    const { plan: smallest } = reduce(plan, fails, () => 0, 1);
    expect(smallest.actions).toEqual(needed);
  });

  test('ends when its time is up, with a plan that fails', () => {
    const plan = drawPlan(3);
    let now = 0;
    const { plan: smaller, tries } = reduce(
      plan,
      ({ actions }) => actions.length >= 2,
      () => now++,
      5,
    );
    expect(tries).toBeLessThan(6);
    expect(smaller.actions.length).toBeGreaterThanOrEqual(2);
  });

  test('shows a mutant in few actions, with a line that replays it', () => {
    const mutant = MUTANTS.find(({ name }) => name.includes('last arrival wins'));
    const { faults = [], sabotage = () => undefined } = mutant ?? {};
    const result = trySeed(1, 10_000, { faults, policies: ['lww'], sabotage });
    if (result.ok) throw new Error('nothing found');
    expect(result.finding.plan.actions.length).toBeLessThan(10);
    expect(findingText(result.finding)).toContain('npm run simulate:long -- --from 1 --seeds 1');
  });
});

test('the log of a long run knows what was run by which code, also after the process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rumeur-simulation-'));
  try {
    const path = join(folder, 'log');
    const range = { kind: 'range', version: 'one', seconds: 1, virtualSeconds: 500, failures: 0 } as const;
    const log = new SimulationLog(path);
    log.add({ ...range, from: 1, to: 50 });
    log.add({ ...range, from: 101, to: 150 });
    log.add({ ...range, from: 40, to: 80 });
    const again = new SimulationLog(path);
    expect(again.hasRun('one', 1, 80)).toBe(true);
    expect(again.hasRun('one', 1, 81)).toBe(false);
    expect(again.hasRun('one', 120, 150)).toBe(true);
    expect(again.hasRun('two', 1, 50)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('rumeur simulate', () => {
  test('is the same for the same seed, and tells what happened', () => {
    const options = experimentOptions({
      peers: '12',
      degree: '5',
      loss: '5',
      crash: '25',
      partition: '5s',
      writes: '40',
      seed: '3',
    });
    const result = runExperiment(options);
    expect(runExperiment(options)).toEqual(result);
    expect(result.convergenceMs).not.toBeNull();
    expect(result.writes).toBe(40);
    expect(result.links).toBe(30);
    expect(result.byDeltas).toBeGreaterThan(0);
    expect(result.byDeltas).toBeLessThan(1);
    // 40 writes to 11 others each.
    expect(result.duplicates).toBe(Math.round(result.redundancy * 440));
    expect(result.duplicates).toBeGreaterThan(0);
    expect(result.grafts).toBeGreaterThan(0);
    expect(result.prunes).toBeGreaterThan(0);
    expect(result.hops.last).toBeGreaterThan(result.hops.mean);
    expect(result.bytes).toBeGreaterThan(result.leastBytes);
    expect(result.leastBytes).toBeGreaterThan(440 * 20);
    expect(result.spread.at(-1)?.share).toBe(1);
    const text = reportText(result);
    expect(text).toMatch(
      /^12 peers in a random graph of 30 links, 5 a peer on average, 40 writes; 5% of broadcast messages lost, 25% of peers crash, split in two for 5\.0 s; seed 3/,
    );
    expect(text).toMatch(/█ 100\.0%/);
    expect(text).toContain(`${result.grafts} grafts, ${result.prunes} prunes`);
    expect(text).toMatch(/\d KiB, \d+\.\d times the least possible/);
  });

  test.each([
    [{ peers: '1' }, '--peers "1" is not a whole number from 2 to 10000'],
    [{ peers: 'ten' }, '--peers "ten"'],
    [{ peers: '10000', writes: '1001' }, '--writes 1001 is too much for 10000 peers: at most 1000'],
    [{ peers: '4', degree: '4' }, '--degree 4 is too much for 4 peers: each has at most 3 others'],
    [{ peers: '4', writers: '5' }, '--writers "5" is not a whole number from 1 to 4'],
    [{ loss: '-1' }, '--loss "-1"'],
    [{ partition: '3' }, 'a time up to 60m'],
    [{ partition: '61m' }, 'a time up to 60m'],
    [{ seed: '1.5' }, '--seed "1.5"'],
  ])('refuses %j', (written, message) => {
    expect(() => experimentOptions(written)).toThrow(
      expect.objectContaining({
        code: 'ARGUMENT_INVALID',
        message: expect.stringContaining(message) as unknown,
      }),
    );
  });
});
