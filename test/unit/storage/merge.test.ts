import { describe, expect, test } from '@jest/globals';
import { mergeSorted } from '../../../src/storage/merge.js';

const byNumber = (a: [number, string], b: [number, string]): number => a[0] - b[0];
const under: [number, string][] = [
  [1, 'u'],
  [2, 'u'],
  [5, 'u'],
];

describe('mergeSorted', () => {
  test('keeps the order; of two equal items the upper one comes', () => {
    const over: [number, string][] = [
      [0, 'o'],
      [2, 'o'],
      [6, 'o'],
    ];
    expect([...mergeSorted(under, over, byNumber)].map(([n, from]) => `${n}${from}`)).toEqual([
      '0o',
      '1u',
      '2o',
      '5u',
      '6o',
    ]);
    expect([...mergeSorted(under, [], byNumber)]).toEqual(under);
    expect([...mergeSorted([], over, byNumber)]).toEqual(over);
  });

  test('makes one of two equal items, when told how', () => {
    const over: [number, string][] = [
      [2, 'o'],
      [3, 'o'],
    ];
    const join = ([n, a]: [number, string], [, b]: [number, string]): [number, string] => [n, `${a}+${b}`];
    const merged = [...mergeSorted(under, over, byNumber, join)];
    expect(merged.map(([n, from]) => `${n}${from}`)).toEqual(['1u', '2u+o', '3o', '5u']);
  });

  test('closes both sequences when the reader stops, and when it fails', () => {
    const closed: string[] = [];
    function* watched(name: string): Generator<[number, string], undefined, undefined> {
      try {
        yield* under;
      } finally {
        closed.push(name);
      }
      return undefined;
    }
    for (const item of mergeSorted(watched('a'), watched('b'), byNumber)) if (item[0] === 1) break;
    expect(closed).toEqual(['a', 'b']);
    const fail = (): never => {
      throw new Error('compare');
    };
    expect(() => [...mergeSorted(watched('c'), watched('d'), fail)]).toThrow('compare');
    expect(closed).toEqual(['a', 'b', 'c', 'd']);
  });
});
