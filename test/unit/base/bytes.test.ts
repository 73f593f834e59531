import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Buffer } from 'node:buffer';
import {
  compareBytes,
  compareUtf8,
  digest128,
  equalBytes,
  toHex,
  toText,
  utf8,
} from '../../../src/base/bytes.js';

/** Well-formed text with a bias to the places where UTF-16 and UTF-8 sort differently. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('a', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
  }),
);

describe('bytes', () => {
  test('compareUtf8 is the order of the UTF-8 bytes', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });

  test('bytes are compared and read within their view only', () => {
    const whole = utf8('xabcx');
    const part = whole.subarray(1, 4);
    expect(toText(part)).toBe('abc');
    expect(toHex(part)).toBe('616263');
    expect(equalBytes(part, utf8('abc'))).toBe(true);
    expect(equalBytes(part, utf8('abcx'))).toBe(false);
    expect(compareBytes(part, utf8('abd'))).toBeLessThan(0);
  });

  test('digest128 is the head of SHA-256', () => {
    expect(toHex(digest128(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223');
  });
});
