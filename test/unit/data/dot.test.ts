import { expect, test } from '@jest/globals';
import type { OriginId } from '../../../src/base/ids.js';
import { dotToText } from '../../../src/data/dot.js';

test('a dot is written `origin.seq`', () => {
  const origin = 'o'.repeat(21) as OriginId;
  expect(dotToText({ origin, seq: 12 })).toBe(`${origin}.12`);
});
