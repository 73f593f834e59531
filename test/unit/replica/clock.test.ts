import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { STAMP_ZERO, stampAt, stampMillis } from '../../../src/data/stamp.js';
import { Clock } from '../../../src/replica/clock.js';
import { ownClockOffset } from '../../../src/replica/clock-offset.js';

const DRIFT = 60_000;

describe('the clock', () => {
  test('never goes back, however the wall clock jumps', () => {
    const jumps = fc.array(fc.integer({ min: 0, max: 2 ** 42 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(jumps, (walls) => {
        const clock = new Clock(STAMP_ZERO, DRIFT);
        let last = STAMP_ZERO;
        for (const wall of walls) {
          const next = clock.next(wall, undefined);
          expect(next > last && next >= stampAt(wall)).toBe(true);
          last = next;
        }
      }),
    );
  });

  test('exceeds what it replaces and what it has seen', () => {
    const clock = new Clock(stampAt(100), DRIFT);
    expect(clock.next(50, stampAt(200))).toBe(stampAt(200, 1));
    clock.observe(stampAt(300));
    clock.observe(stampAt(250));
    expect(clock.next(50, undefined)).toBe(stampAt(300, 1));
    expect(clock.next(400, undefined)).toBe(stampAt(400));
  });

  test('a full counter carries, even at the horizon', () => {
    const clock = new Clock(stampAt(DRIFT, 0xfffe), DRIFT);
    expect(clock.next(0, undefined)).toBe(stampAt(DRIFT, 0xffff));
    expect(clock.next(0, undefined)).toBe(stampAt(DRIFT + 1));
  });

  test('a stamp is from the future beyond the drift bound', () => {
    const clock = new Clock(STAMP_ZERO, DRIFT);
    expect(clock.isBeyond(stampAt(1000 + DRIFT, 0xffff), 1000)).toBe(false);
    expect(clock.isBeyond(stampAt(1001 + DRIFT), 1000)).toBe(true);
    expect(clock.isBeyond(stampAt(1001 + DRIFT), clock.dueAt(stampMillis(stampAt(1001 + DRIFT))))).toBe(
      false,
    );
  });

  test('ran ahead when its own last stamp is from the future', () => {
    const clock = new Clock(stampAt(1000 + DRIFT), DRIFT);
    expect(clock.ranAhead(0)).toBe(false);
    expect(clock.ranAhead(-1)).toBe(true);
    clock.restart(999);
    expect(clock.ranAhead(999)).toBe(false);
    expect(clock.next(999, undefined)).toBe(stampAt(999, 1));
  });
});

describe('how far our own clock is off', () => {
  test.each([
    ['alone', [], 0],
    ['one wrong neighbour', [7_200_000], 0],
    ['two that agree', [7_000, 7_001], 7_000],
    ['two that agree, behind', [-7_001, -7_000], -7_000],
    ['two wrong in opposite ways', [-7_000, 7_000], 0],
    ['one right, one wrong', [3, 7_000], 3],
    ['two of three wrong', [1, 7_000, 7_000], 1],
    ['three that agree', [7_000, 7_001, 7_002], 7_000],
    ['two wrong and two right', [0, 1, 7_000, 7_000], 1],
  ])('%s', (_, neighbours, expected) => {
    expect(ownClockOffset(neighbours)).toBe(expected);
  });

  test('is never more than what half of the neighbours say', () => {
    const offset = fc.integer({ min: -1e6, max: 1e6 });
    fc.assert(
      fc.property(fc.array(offset, { minLength: 1, maxLength: 9 }), (neighbours) => {
        const own = ownClockOffset(neighbours);
        if (own === 0) return;
        const asFar = neighbours.filter((n) => (own > 0 ? n >= own : n <= own)).length;
        expect(asFar).toBeGreaterThanOrEqual(neighbours.length / 2);
      }),
    );
  });
});
