import { describe, expect, test } from '@jest/globals';
import { median, quantile, shown, shownSummary, summary } from '../../../bench/stats.js';

describe('the statistics of the bench', () => {
  test('a median lies in the middle, whatever the order', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  test('a quantile is one of the values', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantile(values, 0.5)).toBe(51);
    expect(quantile(values, 0.99)).toBe(100);
    expect(quantile([3], 0.99)).toBe(3);
  });

  test('a summary does not depend on the order', () => {
    expect(summary([2, 9, 4])).toEqual({ median: 4, min: 2, max: 9 });
  });

  test.each([
    [0.0712, '0.071'],
    [1.5, '1.50'],
    [42.25, '42.3'],
    [735, '735'],
    [39_340, '39.3k'],
    [128_400, '128k'],
    [12_340_000, '12.3M'],
  ])('%d is shown as %s', (value, text) => {
    expect(shown(value)).toBe(text);
  });

  test('a range is shown only where there is one', () => {
    expect(shownSummary({ median: 2, min: 1, max: 3 })).toBe('2.00 (1.00-3.00)');
    expect(shownSummary({ median: 2, min: 2, max: 2 })).toBe('2.00');
  });
});
