import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isBad, parseLine, parseObject } from '../../../cli/transfer/record.js';

const LIMITS = { keyBytes: 10, valueBytes: 100, valueDepth: 3 };

const line = (text: string) => parseLine(7, text, LIMITS);

describe('a line', () => {
  test.each([
    ['{"key":"a","value":1}', 'a', '1'],
    ['{"value":[1, 2],"key":"a"}', 'a', '[1,2]'],
    [' { "key" : "é" , "value" : { "b" : "c d" } } ', 'é', '{"b":"c d"}'],
    ['{"key":"a","value":1.10}', 'a', '1.10'],
    ['{"key":"a","value":123456789012345678901}', 'a', '123456789012345678901'],
    ['{"key":"a","value":null}', 'a', 'null'],
    ['{"key":"__proto__","value":{"__proto__":1}}', '__proto__', '{"__proto__":1}'],
    ['{"key":"a","value":"},\\"value\\":2"}', 'a', '"},\\"value\\":2"'],
    ['{"\\u006bey":"a","value":2}', 'a', '2'],
    ['{"key":"\\u0061","value":2}', 'a', '2'],
  ])('%s', (text, key, value) => {
    expect(line(text)).toEqual({ number: 7, key, value });
  });

  test.each([
    ['', /JSON/],
    ['{"key":"a"', /JSON/],
    ['[]', /not an object/],
    ['"key"', /not an object/],
    ['{"value":1}', /no "key"/],
    ['{"key":"a"}', /no "value"/],
    ['{"key":1,"value":1}', /"key" is no string/],
    ['{"key":"a","value":1,"ttl":5}', /unknown member "ttl"/],
    ['{"key":"a","value":1,"value":2}', /"value" occurs twice/],
    ['{"key":"a","value":{"b":1,"b":1}}', /"b" occurs twice/],
    ['{"key":"","value":1}', /at least one character/],
    ['{"key":"aaaaaaaaaaa","value":1}', /11 bytes/],
    ['{"key":"\\ud800","value":1}', /surrogate/],
    [`{"key":"a","value":"${'x'.repeat(99)}"}`, /101 bytes/],
    [`{"key":"a","value":"${'é'.repeat(50)}"}`, /102 bytes/],
    ['{"key":"a","value":[[[[1]]]]}', /deeper than 3/],
  ])('%s is bad', (text, problem) => {
    const parsed = line(text);
    expect(parsed).toMatchObject({ number: 7, problem: expect.stringMatching(problem) });
  });

  test('of any key and value comes back as it is', () => {
    const limits = { keyBytes: 1024, valueBytes: 1e6, valueDepth: 256 };
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.json(),
        fc.boolean(),
        (key, json, spaced) => {
          const value: unknown = JSON.parse(json);
          const text = spaced ? JSON.stringify({ key, value }, null, 1) : JSON.stringify({ key, value });
          expect(parseLine(1, text, limits)).toEqual({ number: 1, key, value: JSON.stringify(value) });
        },
      ),
    );
  });
});

describe('an object of key to value', () => {
  test('keeps order, digits and __proto__', () => {
    expect(parseObject('{ "b": 1.10, "1": [ ], "__proto__": "x" }', LIMITS)).toEqual([
      { number: 1, key: 'b', value: '1.10' },
      { number: 2, key: '1', value: '[]' },
      { number: 3, key: '__proto__', value: '"x"' },
    ]);
  });

  test('bad members are reported one by one', () => {
    const parsed = parseObject('{"a":1,"":2,"a":3,"c":{"d":1,"d":2},"e":5}', LIMITS);
    expect(parsed.map((one) => (isBad(one) ? one.problem : one.key))).toEqual([
      'a',
      expect.stringContaining('at least one character'),
      'the key "a" occurs twice',
      'the member "d" occurs twice',
      'e',
    ]);
  });

  test.each(['[]', '1', '', '{"a":1', 'null'])('%j is none', (text) => {
    expect(() => parseObject(text, LIMITS)).toThrow();
  });
});
