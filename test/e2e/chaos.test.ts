import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Field } from './chaos/field.js';
import { errorsIn, keepLogs } from './chaos/logs.js';
import { Chaos } from './chaos/run.js';

/** `npm run chaos` asks for ten minutes; a seed makes the same plan again, though processes are never quite the same. */
const SECONDS = Number(process.env['RUMEUR_CHAOS_SECONDS'] ?? 12);
const SEED = Number(process.env['RUMEUR_CHAOS_SEED'] ?? Date.now() % 2 ** 32);
const IS_LONG = SECONDS >= 60;
/** Who asks for a time wants to see what happens. */
const IS_WATCHED = process.env['RUMEUR_CHAOS_SECONDS'] !== undefined;
const REST_MS = 120_000;
/** The heap of a busy process comes and goes. */
const SLACK_BYTES = 48 * 2 ** 20;

describe(`real peers under random faults (RUMEUR_CHAOS_SEED=${SEED})`, () => {
  let field: Field;
  let chaos: Chaos;
  let isWell = false;

  beforeAll(async () => {
    field = await Field.open(IS_LONG ? 6 : 4);
    chaos = new Chaos(field, {
      seed: SEED,
      ms: SECONDS * 1000,
      clients: IS_LONG ? 6 : 4,
      pauseMs: 20,
      joinsAfter: 0.3,
      ...(IS_WATCHED ? { tell: (line) => process.stderr.write(`${line}\n`) } : {}),
    });
  });
  afterAll(async () => {
    if (IS_WATCHED) process.stderr.write(`${chaos.table}\n`);
    if (!isWell) process.stderr.write(`seed ${SEED}; the logs are in ${keepLogs(field)}\n`);
    await field.close();
  });

  test(
    'lose nothing, bring nothing back, and end up the same',
    async () => {
      await chaos.break();
      await chaos.heal();
      await chaos.judge();
      await chaos.tidy();
      expect(chaos.problems).toEqual([]);
      expect(errorsIn(field)).toEqual([]);
      expect(chaos.operations).toBeGreaterThan(SECONDS * 10);
      expect(chaos.faults.count).toBeGreaterThan(SECONDS / 10);
      expect(chaos.observer.sum('tombstonesDropped')).toBeGreaterThan(SECONDS);
      expect(chaos.observer.peak(0.9, 1)).toBeLessThan(chaos.observer.peak(0.2, 0.6) * 1.25 + SLACK_BYTES);
      isWell = true;
    },
    SECONDS * 1000 + REST_MS,
  );
});
