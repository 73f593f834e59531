import { describe, expect, test } from '@jest/globals';
import { RecentMap } from '../../../src/base/recent-map.js';

describe('RecentMap', () => {
  test('keeps at least so many of the keys that were set last', () => {
    const map = new RecentMap<string, number>(3);
    for (const [i, key] of ['a', 'b', 'c', 'a', 'd', 'e', 'f', 'g'].entries()) map.set(key, i);
    expect(['e', 'f', 'g'].map((key) => map.get(key))).toEqual([5, 6, 7]);
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, undefined, undefined]);
  });

  test('has the last value of a key, in whichever generation', () => {
    const map = new RecentMap<string, number>(2);
    for (const [i, key] of ['a', 'b', 'c', 'a'].entries()) map.set(key, i);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([3, 1, 2]);
  });

  test('never holds more than twice as many', () => {
    const map = new RecentMap<number, number>(10);
    for (let i = 0; i < 1000; i++) {
      map.set(i, i);
      expect(map.size).toBeLessThanOrEqual(20);
    }
  });

  test('a key that is set again and again drives nothing out', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1);
    for (let i = 0; i < 100; i++) map.set('b', i);
    expect(map.get('a')).toBe(1);
  });
});
