import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { exactJson, scanJson } from '../../../cli/json-text.js';

describe('scanJson', () => {
  test('takes out white space between tokens only', () => {
    expect(scanJson(' { "a b" : [ 1 , "c  d" ] ,\n"e":\t{ } }\r\n').compact).toBe(
      '{"a b":[1,"c  d"],"e":{}}',
    );
  });

  test('keeps digits and escapes as written', () => {
    const text = '[1.10,123456789012345678901,1e400,-0,"\\u0041\\/"]';
    expect(scanJson(text)).toMatchObject({ compact: text, inexact: '1.10' });
  });

  test('reads the members of a large object in linear time', () => {
    const rows = Array.from(
      { length: 200_000 },
      (_, i) => [`key ${i}`, { i, text: 'x'.repeat(50) }] as const,
    );
    const { members } = scanJson(JSON.stringify(Object.fromEntries(rows), null, 1));
    expect(members).toHaveLength(rows.length);
    expect(members?.at(-1)).toEqual(['key 199999', JSON.stringify(rows.at(-1)?.[1])]);
  });

  test.each(['{"a":1,"a":1}', '{"a":1,"b":{"c":1,"c":2}}', '[{"":1,"":2}]', '{"a":1,"\\u0061":2}'])(
    '%s names a member twice',
    (text) => expect(scanJson(text).duplicate).toBeDefined(),
  );

  test.each(['{"a":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":"a","b":"a"}', '{"__proto__":1,"constructor":2}'])(
    '%s names none twice',
    (text) => expect(scanJson(text).duplicate).toBeUndefined(),
  );

  test('gives the members of an object, __proto__ and repeated ones too', () => {
    const { members } = scanJson('{ "__proto__": { "x": [1, 2] }, "a": 1.10, "a": "\\"}" }');
    expect(members).toEqual([
      ['__proto__', '{"x":[1,2]}'],
      ['a', '1.10'],
      ['a', '"\\"}"'],
    ]);
    expect(scanJson('{}').members).toEqual([]);
    expect(scanJson('[{"a":1}]').members).toBeUndefined();
    expect(scanJson('"{"').members).toBeUndefined();
  });

  test('goes as deep as you like', () => {
    const text = `${'['.repeat(100_000)}1.0${']'.repeat(100_000)}`;
    expect(scanJson(text)).toMatchObject({ compact: text, inexact: '1.0' });
  });

  test('refuses what is not JSON', () => {
    for (const text of ['', '{', '{a:1}', "'a'", 'NaN', '01', '1.', '[1,]', 'undefined']) {
      expect(() => scanJson(text)).toThrow(SyntaxError);
    }
  });

  test('agrees with JSON.stringify on all JSON, however it is spaced', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 1, '\t'), (text, space) => {
        const value: unknown = JSON.parse(text);
        const spaced = JSON.stringify(value, null, space);
        const scanned = scanJson(spaced);
        expect(scanned.compact).toBe(JSON.stringify(value));
        expect(scanned.inexact).toBeUndefined();
        expect(scanned.duplicate).toBeUndefined();
      }),
    );
  });
});

describe('exactJson', () => {
  test.each([
    ['42', '42'],
    ['-5', '-5'],
    ['1e+21', '1e+21'],
    [' { "a" : 1 } ', '{"a":1}'],
    ['null', 'null'],
    ['"x"', '"x"'],
    ['{"__proto__":1}', '{"__proto__":1}'],
    ['{"b":1,"1":2}', '{"b":1,"1":2}'],
    ['"\\ud800"', '"\\ud800"'],
  ])('%s is JSON', (text, expected) => expect(exactJson(text)).toBe(expected));

  test.each([
    '1.10',
    '123456789012345678901',
    '0.1000000000000000055',
    '1e400',
    '-0',
    '1E5',
    '{"a":1,"a":1}',
    '[1.0]',
    'NaN',
    'Lyon',
    '',
    '{a:1}',
  ])('%j would lose something, or is no JSON', (text) => expect(exactJson(text)).toBeUndefined());
});
