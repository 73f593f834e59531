import { expect, test } from '@jest/globals';
import { isId } from '../../../src/base/ids.js';
import { newId } from '../../../src/runtime/new-id.js';

test('new ids are ids, each its own, and none looks like an option on a command line', () => {
  const ids = Array.from({ length: 5_000 }, () => newId());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !isId(id) || id.startsWith('-'))).toEqual([]);
});
