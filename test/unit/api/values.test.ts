import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RumeurError } from '../../../src/base/errors.js';
import { toText, utf8 } from '../../../src/base/bytes.js';
import { checkKey, decodeValue, encodeRaw, encodeValue, jsonText } from '../../../src/api/values.js';

const limits = { keyBytes: 1024, valueBytes: 100_000, valueDepth: 100 };

function errorOf(act: () => unknown): RumeurError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof RumeurError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

const nestedArrays = (levels: number): unknown => {
  let value: unknown[] = [];
  for (let i = 1; i < levels; i++) value = [value];
  return value;
};

describe('checkKey', () => {
  test.each(['a', ' ', '\u0000', '__proto__', '𝄞', '\uffff', 'k'.repeat(1024), 'é'.repeat(512)])(
    'takes %.20j',
    (key) => {
      expect(() => checkKey(key, limits)).not.toThrow();
    },
  );

  test.each<[unknown, string, RegExp]>([
    [undefined, 'ARGUMENT_INVALID', /not undefined/],
    [7, 'ARGUMENT_INVALID', /not a number/],
    [Buffer.from('a'), 'ARGUMENT_INVALID', /not binary data/],
    [['a'], 'ARGUMENT_INVALID', /not an array/],
    ['', 'KEY_EMPTY', /at least one/],
    ['\ud834', 'KEY_INVALID', /surrogate/],
    ['a\udd1eb', 'KEY_INVALID', /surrogate/],
    ['é'.repeat(513), 'KEY_TOO_LONG', /1026 bytes.*1024/],
  ])('refuses %.20p as %s', (key, code, message) => {
    const error = errorOf(() => checkKey(key, limits));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

describe('encodeValue', () => {
  test('any JSON value comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        expect(toText(encodeValue(value, limits))).toBe(text);
        expect(JSON.stringify(decodeValue(encodeValue(value, limits)))).toBe(text);
      }),
    );
  });

  test.each<[unknown, string]>([
    [-0, '0'],
    ['\ud800', '"\\ud800"'],
    [Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    [
      JSON.parse('{"__proto__":{"a":1},"constructor":null,"hasOwnProperty":2}'),
      '{"__proto__":{"a":1},"constructor":null,"hasOwnProperty":2}',
    ],
    [{ toJSON: 'a string' }, '{"toJSON":"a string"}'],
    [runInNewContext('({ a: [{}] })'), '{"a":[{}]}'],
  ])('%j is %s', (value, text) => {
    expect(toText(encodeValue(value, limits))).toBe(text);
  });

  const sparse: unknown[] = [];
  sparse[2] = 1;
  class Point {
    readonly x = 1;
  }

  test.each<[value: unknown, message: RegExp]>([
    [undefined, /undefined, found at \$$/],
    [{ a: [1, 2, 3, { b: undefined }] }, /undefined, found at \$\.a\[3\]\.b$/],
    [{ 'odd name': { '': NaN } }, /NaN, found at \$\["odd name"\]\[""\]$/],
    [[Infinity], /Infinity, found at \$\[0\]$/],
    [sparse, /undefined, found at \$\[0\]$/],
    [{ a: () => 1 }, /a function, found at \$\.a$/],
    [[Symbol('s')], /a symbol/],
    [{ [Symbol('s')]: 1 }, /members under symbols/],
    [{ big: 1n }, /a bigint, found at \$\.big$/],
    [{ at: new Date(0) }, /an instance of Date, found at \$\.at$/],
    [new Map(), /an instance of Map/],
    [new Point(), /an instance of Point/],
    [new String('boxed'), /an instance of String/],
    [Promise.resolve(), /an instance of Promise/],
    [Math, /found at \$$/],
    [{ toJSON: () => 1 }, /toJSON/],
    [Object.assign([1], { toJSON: () => 1 }), /toJSON/],
    [Buffer.from('a'), /binary data/],
    [[new Float64Array(1)], /binary data, found at \$\[0\]$/],
    [new ArrayBuffer(1), /binary data/],
  ])('refuses %p', (value, message) => {
    const error = errorOf(() => encodeValue(value, limits));
    expect(error.code).toBe('VALUE_INVALID');
    expect(error.message).toMatch(message);
    expect(error.hint).toBeDefined();
  });

  test('a module is no value either', async () => {
    const module: unknown = await import('../../../src/base/assert.js');
    expect(errorOf(() => encodeValue(module, limits)).code).toBe('VALUE_INVALID');
  });

  test('a very long path is cut in the middle', () => {
    const error = errorOf(() => encodeValue({ ['x'.repeat(5000)]: { end: undefined } }, limits));
    expect(error.message.length).toBeLessThan(300);
    expect(error.message).toMatch(/\.end$/);
  });

  test('depth, counted in objects and arrays', () => {
    expect(encodeValue(nestedArrays(100), limits)).toHaveLength(200);
    expect(() => encodeValue(1, { ...limits, valueDepth: 0 })).not.toThrow();
    expect(errorOf(() => encodeValue([], { ...limits, valueDepth: 0 })).code).toBe('VALUE_INVALID');
    for (const levels of [101, 5000, 1_000_000]) {
      const error = errorOf(() => encodeValue(nestedArrays(levels), limits));
      expect(error).toMatchObject({
        code: 'VALUE_INVALID',
        message: 'the value is nested deeper than 100 levels',
      });
    }
  });

  test('a limit beyond what the process has stack for is no crash', () => {
    const generous = { ...limits, valueBytes: 10_000_000, valueDepth: 2_000_000 };
    const error = errorOf(() => encodeValue(nestedArrays(1_000_000), generous));
    expect(error).toMatchObject({ code: 'VALUE_INVALID', cause: expect.any(RangeError) });
  });

  test('a cycle is called one', () => {
    const inner: { list: unknown[] } = { list: [] };
    inner.list.push(1, inner);
    const error = errorOf(() => encodeValue({ inner }, limits));
    expect(error.code).toBe('VALUE_INVALID');
    expect(error.message).toContain('it contains itself, at $.inner.list[1]');
  });

  test('size, in bytes of UTF-8', () => {
    const small = { ...limits, valueBytes: 10 };
    expect(encodeValue('éééé', small)).toHaveLength(10);
    const error = errorOf(() => encodeValue('ééééé', small));
    expect(error).toMatchObject({
      code: 'VALUE_TOO_LARGE',
      message: expect.stringMatching(/12 bytes.*limit is 10$/),
    });
  });

  test('what shares its parts is refused before its endless text is written', () => {
    let value: unknown = 'x';
    for (let i = 0; i < 90; i++) value = [value, value];
    expect(errorOf(() => encodeValue(value, limits)).code).toBe('VALUE_TOO_LARGE');
  });
});

describe('encodeRaw', () => {
  test.each([
    '1.10',
    '123456789012345678901234567890',
    '1e400',
    '{ "a" : [ 1 , 2 ] }',
    '"\\ud800"',
    '"]]]]"',
    '"\\"[["',
    'null',
  ])('keeps %s as it is, and takes away the white space around it', (text) => {
    expect(toText(encodeRaw(text, limits))).toBe(text);
    expect(toText(encodeRaw(`\n\t ${text}\r\n`, limits))).toBe(text);
  });

  test.each<[text: unknown, code: string, message: RegExp]>([
    [1, 'ARGUMENT_INVALID', /not a number/],
    ['', 'VALUE_INVALID', /not JSON/],
    ['{"a":1', 'VALUE_INVALID', /not JSON/],
    ['\u00a01', 'VALUE_INVALID', /not JSON/],
    ['1\ufeff', 'VALUE_INVALID', /not JSON/],
    ["'a'", 'VALUE_INVALID', /not JSON/],
    [']]]', 'VALUE_INVALID', /not JSON/],
    ['"\ud800"', 'VALUE_INVALID', /surrogate/],
    ['['.repeat(101) + ']'.repeat(101), 'VALUE_INVALID', /deeper than 100/],
    ['{"a":'.repeat(10_000), 'VALUE_INVALID', /deeper than 100/],
    [`"${'x'.repeat(100_000)}"`, 'VALUE_TOO_LARGE', /100002 bytes.*100000/],
  ])('refuses %.20p as %s', (text, code, message) => {
    const error = errorOf(() => encodeRaw(text, limits));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test('takes whatever encodeValue writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const bytes = encodeValue(value, limits);
        expect(encodeRaw(toText(bytes), limits)).toEqual(bytes);
      }),
    );
  });
});

describe('what is stored', () => {
  test('comes out as text with every digit', () => {
    expect(jsonText(utf8('[1.10]'))).toBe('[1.10]');
    expect(decodeValue(utf8('[1.10]'))).toEqual([1.1]);
  });

  test('and is no JSON is INTERNAL, with the cause', () => {
    for (const read of [jsonText, decodeValue]) {
      const error = errorOf(() => read(utf8('{"a":')));
      expect(error).toMatchObject({ code: 'INTERNAL', cause: expect.any(SyntaxError) });
    }
  });
});
