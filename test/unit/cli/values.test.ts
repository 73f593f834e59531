import { describe, expect, test } from '@jest/globals';
import { shownValue, valueText, withoutLastNewline } from '../../../cli/values.js';

describe('valueText', () => {
  test.each([
    ['42', '42'],
    ['-5', '-5'],
    ['true', 'true'],
    ['{"a": [1]}', '{"a":[1]}'],
    ['Lyon', '"Lyon"'],
    ['', '""'],
    ['1.10', '"1.10"'],
    ['123456789012345678901', '"123456789012345678901"'],
    ['{"a":1,"a":2}', '"{\\"a\\":1,\\"a\\":2}"'],
    ['NaN', '"NaN"'],
    ['Infinity', '"Infinity"'],
    ['undefined', '"undefined"'],
  ])('%j is stored as %s', (written, stored) => expect(valueText(written, 'auto')).toBe(stored));

  test('--string takes everything as it is', () => {
    expect(valueText('42', 'string')).toBe('"42"');
    expect(valueText('"x"', 'string')).toBe('"\\"x\\""');
  });

  test('--json-value keeps every digit', () => {
    expect(valueText('[ 1.10, 123456789012345678901 ]', 'json')).toBe('[1.10,123456789012345678901]');
  });

  test.each(['Lyon', '', '{a:1}', 'NaN', '{"a":1,"a":1}'])('--json-value refuses %j', (written) => {
    expect(() => valueText(written, 'json')).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }));
  });
});

test('one line break at the end of a file is not part of the value', () => {
  expect(withoutLastNewline('a\n')).toBe('a');
  expect(withoutLastNewline('a\r\n')).toBe('a');
  expect(withoutLastNewline('a\n\n')).toBe('a\n');
  expect(withoutLastNewline('a')).toBe('a');
  expect(withoutLastNewline('a\nb')).toBe('a\nb');
});

test('strings are shown bare, the rest as stored', () => {
  expect(shownValue('"a\\nb"')).toBe('a\nb');
  expect(shownValue('1.10')).toBe('1.10');
  expect(shownValue('{"__proto__":1}')).toBe('{"__proto__":1}');
});
