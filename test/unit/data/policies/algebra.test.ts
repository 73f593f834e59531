import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { utf8 } from '../../../../src/base/bytes.js';
import type { OriginId } from '../../../../src/base/ids.js';
import { dotToText } from '../../../../src/data/dot.js';
import { compareEntries, compareWrites, type Entry, sealEntry } from '../../../../src/data/entry.js';
import { policyOf } from '../../../../src/data/policies/all.js';
import { POLICIES } from '../../../../src/data/policy.js';
import type { Stamp } from '../../../../src/data/stamp.js';
import { VersionVector } from '../../../../src/data/version-vector.js';
import { dotsOf, fold } from './world.js';

const numRuns = Number(process.env['RUNS'] ?? 120);

/** Anything that a peer may send, forged contexts and stamps that fall among it: what stands must not depend on honesty. */
const dot = fc.record({
  origin: fc.constantFrom('a', 'b', 'c').map((letter) => letter.repeat(21) as OriginId),
  seq: fc.integer({ min: 1, max: 4 }),
});
const context = fc.array(dot, { maxLength: 9, size: 'max' }).map((dots) => {
  const vector = new VersionVector();
  for (const { origin, seq } of dots) vector.add(origin, seq, seq);
  return vector;
});
const entry = fc
  .record({
    dot,
    stamp: fc.bigInt({ min: 1n, max: 6n }).map((n) => n as Stamp),
    value: fc.constantFrom(null, utf8('true'), utf8('[3,1]'), utf8('[4,0]')),
    context: fc.option(context, { nil: undefined }),
  })
  .map(({ dot: { origin, seq }, context: seen, ...rest }) =>
    sealEntry({ key: 'k', origin, seq, ...rest, ...(seen ? { context: seen } : {}) }),
  );
const entries = fc.uniqueArray(entry, { maxLength: 8, size: 'max', selector: dotToText });
const turned = (list: readonly Entry[]): fc.Arbitrary<Entry[]> =>
  fc.shuffledSubarray([...list, ...list], { minLength: 2 * list.length, maxLength: 2 * list.length });

describe.each(POLICIES)('%s, whatever peers send', (name) => {
  const policy = policyOf(name);
  const isSuperseder = (a: Entry, b: Entry): boolean => dotsOf(fold(policy, [b, a])).join() === dotToText(a);

  test('commutative and idempotent: any order, any repetition', () => {
    fc.assert(
      fc.property(
        entries.chain((list) => fc.tuple(fc.constant(list), turned(list))),
        ([list, other]) => {
          const cell = fold(policy, list);
          expect(dotsOf(fold(policy, other))).toEqual(dotsOf(cell));
          expect([...cell].sort(compareEntries)).toEqual(cell);
          for (const held of list) expect(policy.admit(cell, held)).toBeUndefined();
        },
      ),
      { numRuns },
    );
  });

  test('associative: partial states merge to the state of all', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), (list, x, y) => {
        const [a, b] = [list.slice(x % (list.length + 1)), list.slice(0, y % (list.length + 1))];
        const merged = fold(policy, fold(policy, a), fold(policy, b));
        expect(dotsOf(merged)).toEqual(dotsOf(fold(policy, [...a, ...b])));
      }),
      { numRuns },
    );
  });

  test(`what supersedes is ${policy.superseder}`, () => {
    fc.assert(
      fc.property(entry, entry, (a, b) => {
        fc.pre(dotToText(a) !== dotToText(b) && isSuperseder(a, b));
        expect(Math.sign(compareWrites(a, b))).toBe(policy.superseder === 'newer' ? 1 : -1);
      }),
      { numRuns: Math.ceil(numRuns / 10) },
    );
  });

  test('of two contents of one dot one stands, the same one in either order', () => {
    fc.assert(
      fc.property(entry, entry, (a, b) => {
        const twin = sealEntry({ ...b, origin: a.origin, seq: a.seq });
        const cell = fold(policy, [a, twin]);
        expect(cell).toHaveLength(1);
        expect(fold(policy, [twin, a])).toEqual(cell);
      }),
      { numRuns },
    );
  });

  test('changes no cell in place', () => {
    fc.assert(
      fc.property(entries, entry, (list, next) => {
        const cell = Object.freeze([...fold(policy, list)]);
        const before = dotsOf(cell);
        policy.admit(cell, next);
        expect(dotsOf(cell)).toEqual(before);
      }),
      { numRuns: Math.ceil(numRuns / 3) },
    );
  });
});
