import { expect, test } from '@jest/globals';
import { isBlock, RANGE_SHIFTS } from '../../../src/protocol/ranges.js';

test('blocks hold seqs that are safe integers, at levels that exist', () => {
  RANGE_SHIFTS.forEach((shift, level) => {
    const last = Math.floor(Number.MAX_SAFE_INTEGER / 2 ** shift);
    expect([isBlock(level, 0), isBlock(level, last), isBlock(level, last + 1)]).toEqual([true, true, false]);
  });
  expect(isBlock(RANGE_SHIFTS.length, 0)).toBe(false);
  expect(isBlock(0, -1)).toBe(false);
});
