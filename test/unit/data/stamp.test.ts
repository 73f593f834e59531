import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  nextStamp,
  type Stamp,
  STAMP_ZERO,
  stampAt,
  stampFromText,
  stampMillis,
  stampToText,
} from '../../../src/data/stamp.js';

const STAMP_MAX = 2n ** 64n - 1n;
const anyStamp = fc.bigInt({ min: 0n, max: STAMP_MAX }).map((n) => n as Stamp);

describe('stamps', () => {
  test('text sorts like the stamp, and comes back', () => {
    fc.assert(
      fc.property(anyStamp, anyStamp, (a, b) => {
        expect(stampToText(a) < stampToText(b)).toBe(a < b);
        expect(stampFromText(stampToText(a))).toBe(a);
      }),
    );
    for (const wrong of ['', '0', '000000000000000g', '0000000000000000 ', '000000000000000A']) {
      expect(stampFromText(wrong)).toBeUndefined();
    }
  });

  test('the next one is greater than the last, and as late as the clock', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: STAMP_MAX - 1n }), fc.nat(2 ** 31), (last, now) => {
        const next = nextStamp(last as Stamp, now);
        expect(next > last && next >= stampAt(now)).toBe(true);
      }),
    );
  });

  test('the counter carries into the milliseconds', () => {
    expect(nextStamp(stampAt(1000, 0xffff), 1000)).toBe(stampAt(1001));
    expect(stampMillis(stampAt(1000, 0xffff))).toBe(1000);
  });

  test('a clock out of range is clamped', () => {
    expect(stampAt(-5)).toBe(STAMP_ZERO);
    expect(stampMillis(stampAt(2 ** 60))).toBe(2 ** 48 - 1);
    expect(stampAt(1.9)).toBe(stampAt(1));
  });
});
