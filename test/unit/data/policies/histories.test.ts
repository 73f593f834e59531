import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isLive } from '../../../../src/data/cell.js';
import { compareEntries, compareWrites, type Entry } from '../../../../src/data/entry.js';
import { counterValue } from '../../../../src/data/policies/counter.js';
import { policyOf } from '../../../../src/data/policies/all.js';
import { commands, incrementOf, keyOf, play } from './commands.js';
import { dotsOf, fold, type World } from './world.js';

/** RUNS=10000 tries harder. */
const numRuns = Number(process.env['RUNS'] ?? 40);

const KEYS = [0, 1] as const;
const underKey = ({ log, policy }: World, index: number): Entry[] =>
  log.filter(({ key }) => key === keyOf(policy.name, index));
const ascending = (entries: readonly Entry[]): string[] => dotsOf([...entries].sort(compareEntries));

/** Some of the writes, some twice, in any order. */
const jumbled = (entries: readonly Entry[], picks: readonly number[]): Entry[] =>
  entries.length === 0 ? [] : picks.map((n) => entries[n % entries.length] as Entry);
const picks = fc.array(fc.nat({ max: 999 }), { maxLength: 25, size: 'max' });
const unique = (entries: readonly Entry[]): Entry[] => [...new Set(entries)];

describe.each(['siblings', 'counter', 'set'] as const)('histories under %s', (name) => {
  const policy = policyOf(name);

  test('whatever order writes come in and however often, those stand that no writer of another had seen', () => {
    fc.assert(
      fc.property(commands(), picks, (list, order) => {
        const world = play(policy, list);
        for (const index of KEYS) {
          const some = jumbled(underKey(world, index), order);
          const cell = fold(policy, some);
          const expected = world.unseen(unique(some));
          // A counter's delete may replace one that it has not seen, but that had seen nothing more than it had.
          const counts = name === 'counter' ? isLive : (): boolean => true;
          expect(dotsOf(cell.filter(counts))).toEqual(ascending(expected.filter(counts)));
        }
      }),
      { numRuns },
    );
  });

  test('two partial states merge to the state of all their writes', () => {
    fc.assert(
      fc.property(commands(), picks, picks, (list, x, y) => {
        const all = underKey(play(policy, list), 0);
        const [a, b] = [jumbled(all, x), jumbled(all, y)];
        const merged = fold(policy, fold(policy, b), fold(policy, a));
        expect(dotsOf(merged)).toEqual(dotsOf(fold(policy, [...a, ...b])));
      }),
      { numRuns },
    );
  });

  test('a write supersedes only older ones', () => {
    fc.assert(
      fc.property(commands(), (list) => {
        const world = play(policy, list);
        for (const entry of world.log) {
          for (const seen of world.knownTo(entry)) expect(compareWrites(entry, seen)).toBeGreaterThan(0);
        }
      }),
      { numRuns },
    );
  });

  test('what a replica covers stands there, or is superseded by what stands, or is below its floor', () => {
    const check = (world: World): void => {
      for (const replica of world.replicas) expect(world.lost(replica)).toEqual([]);
    };
    fc.assert(
      fc.property(commands(), (list) => {
        play(policy, list, { drops: true, check });
      }),
      { numRuns },
    );
  });

  test('dropped tombstones bring nothing back: in the end all hold what nobody had seen and replaced', () => {
    fc.assert(
      fc.property(commands(), (list) => {
        const world = play(policy, list, { drops: true });
        world.heal();
        for (const index of KEYS) {
          const live = ascending(world.unseen(underKey(world, index)).filter(isLive));
          for (const replica of world.replicas) {
            expect(dotsOf(world.cell(replica, keyOf(name, index)).filter(isLive))).toEqual(live);
          }
        }
      }),
      { numRuns },
    );
  });
});

describe.each(['siblings', 'set'] as const)('contexts under %s', (name) => {
  test('name of their key what the writer had seen and nothing else', () => {
    fc.assert(
      fc.property(commands(), (list) => {
        const world = play(policyOf(name), list);
        for (const entry of world.log) {
          const others = world.log.filter(({ key }) => key === entry.key);
          const named = others.filter((other) => entry.context?.covers(other) === true);
          expect(dotsOf(named)).toEqual(dotsOf(others.filter((other) => world.knownTo(entry).has(other))));
        }
      }),
      { numRuns },
    );
  });
});

test('without deletes the value of a counter is the sum of all increments', () => {
  fc.assert(
    fc.property(commands(), (list) => {
      const world = play(policyOf('counter'), list, { deletes: false });
      const sums = KEYS.map((index) =>
        list
          .filter(({ type, key }) => type.startsWith('write') && key === index)
          .reduce((sum, { by }) => sum + incrementOf(by), 0),
      );
      world.heal();
      for (const replica of world.replicas) {
        expect(['k', 'l'].map((key) => counterValue(world.cell(replica, key)))).toEqual(sums);
      }
    }),
    { numRuns },
  );
});
