import { expect, test } from '@jest/globals';
import { exitCodeOf } from '../../../cli/exit-codes.js';
import { ERROR_CODES, RumeurError } from '../../../src/base/errors.js';
import { errorText, shownName } from '../../../cli/output.js';

test('every error code has its exit code', () => {
  const byExit = Object.fromEntries(
    [0, 1, 2, 3, 4, 5].map((exit) => [exit, ERROR_CODES.filter((code) => exitCodeOf(code) === exit)]),
  );
  expect(byExit).toEqual({
    0: [],
    1: ['NOT_FOUND'],
    2: [
      'ARGUMENT_INVALID',
      'EVENT_UNKNOWN',
      'KEY_EMPTY',
      'KEY_INVALID',
      'VALUE_INVALID',
      'BUCKET_UNKNOWN',
      'CONFIG_INVALID',
    ],
    3: ['PEER_UNREACHABLE'],
    4: expect.arrayContaining([
      'EXISTS',
      'POLICY',
      'KEY_TOO_LONG',
      'VALUE_TOO_LARGE',
      'READ_ONLY',
      'OVERLOADED',
      'IN_USE',
    ]),
    5: ['TIMEOUT'],
  });
});

test('errors are one line with what to do; further lines of the message follow', () => {
  expect(errorText(new RumeurError('IN_USE', 'taken', { hint: 'stop it' }))).toBe(
    'rumeur: taken (IN_USE); stop it',
  );
  expect(errorText(new RumeurError('INTERNAL', 'odd'))).toBe('rumeur: odd (INTERNAL)');
  expect(errorText(new RumeurError('CONFIG_INVALID', 'c.json: 2 problems\n  a\n  b', { hint: 'see' }))).toBe(
    'rumeur: c.json: 2 problems (CONFIG_INVALID); see\n  a\n  b',
  );
});

test('names stay on one line and cannot steer the terminal', () => {
  expect(shownName('Ville')).toBe('Ville');
  expect(shownName('a b "c" é')).toBe('a b "c" é');
  expect(shownName('a\nb')).toBe('"a\\nb"');
  expect(shownName('\u001b[2J')).toBe('"\\u001b[2J"');
  expect(shownName('"a"')).toBe('"\\"a\\""');
});
