import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Fingerprint } from '../../../src/data/fingerprint.js';

const digest = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Words of ones make carries run through. */
const edge = fc.constantFrom(
  new Uint8Array(16).fill(0xff),
  new Uint8Array(16),
  new Uint8Array([1, ...new Array<number>(15).fill(0)]),
);
const digests = fc.array(fc.oneof(digest, edge), { maxLength: 20 });

function sum(list: readonly Uint8Array[]): Fingerprint {
  const fingerprint = Fingerprint.empty();
  for (const item of list) fingerprint.add(item);
  return fingerprint;
}

/** The same by big integers: 16 bytes, least first. */
const model = (list: readonly Uint8Array[]): bigint =>
  list.reduce((total, bytes) => (total + toBigInt(bytes)) % 2n ** 128n, 0n);
const toBigInt = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((total, byte) => total * 256n + BigInt(byte), 0n);

describe('a fingerprint', () => {
  test('is the sum of its members modulo 2^128, in any order', () => {
    fc.assert(
      fc.property(digests, (list) => {
        expect(toBigInt(sum(list).toBytes())).toBe(model(list));
        expect(sum([...list].reverse()).toText()).toBe(sum(list).toText());
      }),
    );
  });

  test('forgets what is removed', () => {
    fc.assert(
      fc.property(digests, digests, (stay, go) => {
        const fingerprint = sum([...go, ...stay]);
        for (const item of go) fingerprint.remove(item);
        expect(fingerprint.toText()).toBe(sum(stay).toText());
      }),
    );
  });

  test('comes back from its bytes, also out of a larger buffer, and copies apart', () => {
    const whole = new Uint8Array(20).map((_, i) => i);
    const fingerprint = Fingerprint.fromBytes(whole.subarray(2, 18));
    expect([...fingerprint.toBytes()]).toEqual([...whole.subarray(2, 18)]);
    const copy = fingerprint.clone();
    fingerprint.add(whole.subarray(0, 16));
    expect([...copy.toBytes()]).toEqual([...whole.subarray(2, 18)]);
  });
});
