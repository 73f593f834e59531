import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Fingerprint } from '../../../src/data/fingerprint.js';
import { Sum } from '../../../src/storage/sum.js';

const WORD = fc.constantFrom(0, 1, 0x7f, 0x80, 0xff);
const DIGEST = fc.array(WORD, { minLength: 16, maxLength: 16 }).map((bytes) => Uint8Array.from(bytes));

test('a sum comes to the same as a fingerprint, carries and borrows included', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ digest: DIGEST, isAdded: fc.boolean() })), (steps) => {
      const sum = new Sum();
      const fingerprint = Fingerprint.empty();
      for (const { digest, isAdded } of steps) {
        if (isAdded) [sum, fingerprint].forEach((each) => each.add(digest));
        else [sum, fingerprint].forEach((each) => each.remove(digest));
      }
      expect([...sum.toBytes()]).toEqual([...fingerprint.toBytes()]);
      expect(sum.isZero).toBe(fingerprint.toBytes().every((byte) => byte === 0));
      expect(Sum.fromBytes(sum.toBytes()).clone()).toEqual(sum);
      const twice = sum.clone().addSum(sum);
      fingerprint.add(fingerprint.clone().toBytes());
      expect([...twice.toBytes()]).toEqual([...fingerprint.toBytes()]);
    }),
    { numRuns: 500 },
  );
});
