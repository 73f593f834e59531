import { describe, expect, test } from '@jest/globals';
import { damage } from '../torture/damage/part.js';
import { faults } from '../torture/faults/part.js';
import { Power, power } from '../torture/power/part.js';
import type { Part } from '../torture/run/part.js';
import { runSmall, skipOf, unexpectedIn } from '../torture/small.js';

/** Small forms of `npm run torture`; see docs/TORTURE.md. */
const testOf = (part: Part): typeof test.skip => (skipOf(part) === undefined ? test : test.skip);

describe('a disk that fails', () => {
  testOf(faults)(
    'every call of one commit fails: nothing is acknowledged falsely, nothing hangs, no failed sync is believed',
    async () => {
      const commit = /^commit\/(writev|pwrite64|fdatasync)\/data\.mdb\/1\//;
      const results = await runSmall(
        (context) => faults.open(context, Infinity),
        (cases) => cases.filter((id) => commit.test(id)),
        2,
      );
      expect(unexpectedIn(faults, results)).toEqual([]);
      const refused = results.filter(({ outcome }) => outcome === 'refused');
      expect(refused.length).toBeGreaterThan(9);
    },
    90_000,
  );
});

describe('power that fails', () => {
  testOf(power)(
    '100 images of what the disk may hold: all open with every acknowledged write; a lying disk is found out',
    async () => {
      const results = await runSmall(
        (context) => Promise.resolve(new Power(context, 100, [15, 6])),
        (cases) => cases,
      );
      expect(unexpectedIn(power, results)).toEqual([]);
      expect(results).toHaveLength(101);
    },
    60_000,
  );
});

describe('bytes that go bad', () => {
  test('10 damages to one peer and to three: nobody shows what was never written', async () => {
    const results = await runSmall(
      (context) => damage.open(context, 10),
      (cases) => cases,
      2,
    );
    expect(unexpectedIn(damage, results)).toEqual([]);
    expect(results).toHaveLength(10);
  }, 180_000);
});
