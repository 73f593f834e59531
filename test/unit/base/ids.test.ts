import { describe, expect, test } from '@jest/globals';
import { isBucketName, isId } from '../../../src/base/ids.js';

describe('names', () => {
  test('an id is 21 characters of the URL-safe alphabet', () => {
    expect(isId('V1StGXR8_Z5jdHi6B-myT')).toBe(true);
    for (const wrong of [
      '',
      'V1StGXR8_Z5jdHi6B-my',
      'V1StGXR8_Z5jdHi6B-myTT',
      'V1StGXR8 Z5jdHi6B-myT',
      21,
      null,
    ]) {
      expect(isId(wrong)).toBe(false);
    }
    expect(isId('V1StGXR8_Z5jdHi6B-my\n')).toBe(false);
  });

  test('a bucket name is short and plain', () => {
    for (const sound of ['default', 'a', '0', 'a-b_c', 'x'.repeat(64)])
      expect(isBucketName(sound)).toBe(true);
    for (const wrong of ['', '_a', '-a', 'A', 'a b', 'x'.repeat(65), 'a\n', undefined]) {
      expect(isBucketName(wrong)).toBe(false);
    }
  });
});
