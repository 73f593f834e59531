import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as intervals from '../../../src/data/intervals.js';
import type { Intervals } from '../../../src/data/intervals.js';

const range = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }))
  .map(([lo, length]) => [lo, lo + length] as const);
const ranges = fc.array(range, { maxLength: 12 });

function build(list: readonly (readonly [number, number])[]): { set: Intervals; model: Set<number> } {
  let set: Intervals = [];
  const model = new Set<number>();
  for (const [lo, hi] of list) {
    set = intervals.add(set, lo, hi);
    for (let n = lo; n <= hi; n++) model.add(n);
  }
  return { set, model };
}

const sorted = (model: Iterable<number>): number[] => [...model].sort((a, b) => a - b);

/** That the list is canonical and holds exactly the model. */
function expectSame(set: Intervals, model: Iterable<number>): void {
  expect(intervals.isIntervals(set)).toBe(true);
  expect(set).toEqual(intervals.fromAscending(sorted(model)));
  const listed: number[] = [];
  for (let i = 0; i < set.length; i += 2) {
    for (let n = set[i] as number; n <= (set[i + 1] as number); n++) listed.push(n);
  }
  expect(listed).toEqual(sorted(model));
}

describe('intervals against a set', () => {
  test('add, has, count, highest, prefix', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const { set, model } = build(list);
        expectSame(set, model);
        expect(intervals.count(set)).toBe(model.size);
        expect(intervals.highest(set)).toBe(Math.max(0, ...model));
        for (let n = 0; n <= 70; n++) expect(intervals.has(set, n)).toBe(model.has(n));
        let prefix = 0;
        while (model.has(prefix + 1)) prefix++;
        expect(intervals.prefix(set)).toBe(prefix);
      }),
    );
  });

  test('union, subtract, atLeast', () => {
    fc.assert(
      fc.property(ranges, ranges, fc.integer({ min: 0, max: 70 }), (listA, listB, from) => {
        const [a, b] = [build(listA), build(listB)];
        const copies = [a.set.slice(), b.set.slice()];
        expectSame(intervals.union(a.set, b.set), new Set([...a.model, ...b.model]));
        expectSame(
          intervals.subtract(a.set, b.set),
          [...a.model].filter((n) => !b.model.has(n)),
        );
        expectSame(
          intervals.atLeast(a.set, from),
          [...a.model].filter((n) => n >= from),
        );
        expect([a.set, b.set]).toEqual(copies);
      }),
    );
  });

  test('adding what is there gives the same list', () => {
    const set = intervals.add([1, 5, 9, 12], 10, 11);
    expect(intervals.add(set, 2, 3)).toBe(set);
  });

  test('a list from outside is checked', () => {
    for (const sound of [[], [1, 1], [1, 2, 4, 4], [3, Number.MAX_SAFE_INTEGER]]) {
      expect(intervals.isIntervals(sound)).toBe(true);
    }
    const wrong = [
      [1],
      [0, 1],
      [2, 1],
      [1, 2, 3, 4],
      [4, 5, 1, 2],
      [1, 2, 2, 3],
      [1.5, 2],
      ['1', '2'],
      [1, NaN],
    ];
    for (const list of [...wrong, [1, 2 ** 53], undefined, { length: 0 }]) {
      expect(intervals.isIntervals(list)).toBe(false);
    }
  });
});
