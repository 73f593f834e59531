import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { OriginId } from '../../../../src/base/ids.js';
import { MOST_INTERVALS } from '../../../../src/data/policies/causal.js';
import { contextFromText, contextToText } from '../../../../src/data/policies/context-text.js';
import type { Stamp } from '../../../../src/data/stamp.js';
import { VersionVector } from '../../../../src/data/version-vector.js';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{21}$/).map((text) => text as OriginId);
const interval = fc.tuple(fc.integer({ min: 1, max: 2 ** 50 }), fc.integer({ min: 0, max: 2 ** 40 }));
const context = fc
  .record({
    rows: fc.array(fc.tuple(id, interval), { maxLength: 8 }),
    stamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => n as Stamp),
  })
  .map(({ rows, stamp }) => {
    const dots = new VersionVector();
    for (const [origin, [lo, length]] of rows) dots.add(origin, lo, lo + length);
    return { dots, stamp };
  });
const invalid = expect.objectContaining({ code: 'ARGUMENT_INVALID' }) as object;

describe('the text of a context', () => {
  test('is read as it was written, and goes into a URL as it is', () => {
    fc.assert(
      fc.property(context, (written) => {
        const text = contextToText(written);
        expect(encodeURIComponent(text)).toBe(text);
        const read = contextFromText(text);
        expect([read.stamp, read.dots.toText()]).toEqual([written.stamp, written.dots.toText()]);
      }),
    );
  });

  test('that is cut or changed is refused', () => {
    fc.assert(
      fc.property(context, fc.nat(), fc.constantFrom('', 'A', '_', '=', ' ', 'é'), (written, n, by) => {
        const text = contextToText(written);
        const at = n % text.length;
        const changed = text.slice(0, at) + by + text.slice(at + 1);
        fc.pre(changed !== text);
        expect(() => contextFromText(changed)).toThrow(invalid);
        expect(() => contextFromText(text.slice(0, at))).toThrow(invalid);
      }),
    );
  });

  test.each([undefined, null, 7, {}, ['x'], '', 'nonsense', 'A'.repeat(320 * 2 ** 10 + 1)])(
    'refuses %p',
    (text) => {
      expect(() => contextFromText(text)).toThrow(invalid);
    },
  );

  test('refuses any text, also one in the right form', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((s) => Buffer.from(s).toString('base64url')),
        ),
        (text) => {
          expect(() => contextFromText(text)).toThrow(invalid);
        },
      ),
    );
  });

  test('has room for all that a write may have seen, and for no more', () => {
    const origins = Array.from(
      { length: MOST_INTERVALS + 1 },
      (_, i) => `${i}`.padStart(21, 'o') as OriginId,
    );
    const dots = (count: number): VersionVector =>
      new VersionVector(origins.slice(0, count).map((origin) => [origin, [2 ** 53 - 2, 2 ** 53 - 1]]));
    const stamp = 1n as Stamp;
    const read = contextFromText(contextToText({ dots: dots(MOST_INTERVALS), stamp }));
    expect(read.dots.intervalCount()).toBe(MOST_INTERVALS);
    expect(() => contextFromText(contextToText({ dots: dots(MOST_INTERVALS + 1), stamp }))).toThrow(invalid);
  });
});
