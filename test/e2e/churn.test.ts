import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { churn } from '../../bench/churn/churn.js';

/** The million rounds are those of `npm run bench -- --only churn`. */
const ROUNDS = 3000;
const MOST_GROWTH = 0.1;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rumeur-churn-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('keys that are set and deleted over and over leave nothing behind on the disk', async () => {
  const { warm, growth } = await churn({
    rounds: ROUNDS,
    warmUp: ROUNDS / 5,
    keys: 60,
    lasting: 100,
    peers: 2,
    announceMs: 50,
    folder,
    progress: () => undefined,
  });
  for (const { file, live } of warm) expect(file).toBeGreaterThanOrEqual(live);
  expect(growth.live).toBeLessThan(MOST_GROWTH);
  expect(growth.file).toBeLessThan(MOST_GROWTH);
}, 60_000);
