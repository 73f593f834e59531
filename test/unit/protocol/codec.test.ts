import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeMessage, encodeMessage, packOps, roughSize, unpackOps } from '../../../src/protocol/codec.js';
import { MalformedMessage, packList } from '../../../src/protocol/fields.js';
import { MAX_CONTEXT_INTERVALS, MAX_MESSAGE_BYTES, MAX_OPERATIONS } from '../../../src/protocol/limits.js';
import type { OriginId } from '../../../src/base/ids.js';
import { MOST_INTERVALS } from '../../../src/data/policies/causal.js';
import { STAMP_ZERO, stampAt } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { message, MESSAGES, ops, shown } from './arbitrary.js';

const O = 'o'.repeat(21) as OriginId;

describe('messages', () => {
  test.each(Object.entries(MESSAGES))('%s comes back as it was sent', (type, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (sent) => {
        const bytes = encodeMessage(sent);
        const read = decodeMessage(bytes);
        expect(read.type).toBe(type);
        expect(shown(read)).toEqual(shown(sent));
        expect(encodeMessage(read)).toEqual(bytes);
      }),
    );
  });

  test('fields of later versions are passed over', () => {
    expect(decodeMessage(packList([12, 1, 2, 'new', [[]]]))).toEqual({ type: 'ping', id: 1, clock: 2 });
  });

  test('a reason that is too long is cut, at a whole character', () => {
    const read = decodeMessage(encodeMessage({ type: 'goodbye', code: 'X', reason: 'é'.repeat(1000) }));
    expect(read).toEqual({ type: 'goodbye', code: 'X', reason: 'é'.repeat(512) });
  });
});

describe('texts', () => {
  test('of a name are refused with control characters, which could forge lines of a log', () => {
    const [hello] = fc.sample(MESSAGES.hello, 1);
    const bytes = encodeMessage({ ...hello, name: 'x\u001b[2J\nready' } as Parameters<
      typeof encodeMessage
    >[0]);
    expect(() => decodeMessage(bytes)).toThrow(/control characters/);
  });

  test('of a reason are made one printable line', () => {
    const bytes = encodeMessage({ type: 'goodbye', code: 'X', reason: 'two\nlines\u001b' });
    expect(decodeMessage(bytes)).toEqual({ type: 'goodbye', code: 'X', reason: 'two lines ' });
  });
});

describe('entries of a chunk', () => {
  const O2 = 'p'.repeat(21) as OriginId;
  type Dot = readonly [OriginId, number];
  const chunkOf = (...dots: Dot[]): Uint8Array =>
    encodeMessage({
      type: 'chunk',
      request: 1,
      n: 0,
      entries: dots.map(([origin, seq]) => ({ origin, seq, stamp: stampAt(seq), key: 'k', value: null })),
      claims: new VersionVector(),
      exact: false,
      last: true,
      heldUntil: 0,
      seenUpTo: STAMP_ZERO,
    });

  test.each<[string, ...Dot[]]>([
    ['fall', [O, 3], [O2, 7], [O, 1], [O2, 2]],
    ['rise', [O, 1], [O2, 2], [O2, 7], [O, 3]],
    ['are one of each origin', [O, 1], [O2, 2]],
  ])('may come when they %s within each origin', (_, ...dots) => {
    expect(decodeMessage(chunkOf(...dots)).type).toBe('chunk');
  });

  test.each<[string, ...Dot[]]>([
    ['rise and fall', [O, 1], [O, 3], [O, 2]],
    ['rise in one origin and fall in another', [O, 1], [O, 3], [O2, 3], [O2, 1]],
    ['name a dot twice', [O, 1], [O2, 1], [O, 1]],
  ])('may not come when they %s', (_, ...dots) => {
    expect(() => decodeMessage(chunkOf(...dots))).toThrow('entries out of order');
  });
});

describe('operations of a push', () => {
  test('come back as they were packed', () => {
    fc.assert(
      fc.property(ops, (list) => {
        expect(shown(unpackOps(list[0]?.origin ?? O, packOps(list)))).toEqual(shown(list));
      }),
    );
  });

  test('cost one byte more for a context that is not there, and name no origin that they need not', () => {
    const op = { origin: O, seq: 1, stamp: stampAt(1), key: 'k', value: null };
    const bare = packList([op.seq, op.stamp, op.key, op.value]);
    expect(packOps([op])).toHaveLength(bare.length + 1);
    const own = new VersionVector([[O, [1, 5, 9, 9]]]);
    // Place 0, and four small numbers, in two lists.
    expect(packOps([{ ...op, context: own }])).toHaveLength(bare.length + 7);
    const other = new VersionVector([['p'.repeat(21) as OriginId, [1, 5]]]);
    const named = packOps([{ ...op, context: other }]);
    const twice = packOps([
      { ...op, context: other },
      { ...op, seq: 2, stamp: stampAt(2), context: other },
    ]);
    expect(named).toHaveLength(bare.length + 5 + 23);
    expect(twice.length - named.length).toBe(bare.length - 1 + 5);
  });

  test('take at most three times the bytes that they are thought to take', () => {
    fc.assert(
      fc.property(ops, (list) => {
        const rough = list.reduce((sum, op) => sum + roughSize(op), 0);
        // Origins are named once, however many contexts name them.
        const named = new Set(list.flatMap(({ context }) => [...(context?.entries() ?? [])].map(([o]) => o)));
        expect(packOps(list).length).toBeLessThanOrEqual(3 * rough + 22 * named.size + 8);
      }),
    );
  });

  test('tell an empty context from none, as their digests differ', () => {
    const op = { origin: O, seq: 1, stamp: stampAt(1), key: 'k', value: null };
    const read = unpackOps(
      O,
      packOps([op, { ...op, seq: 2, stamp: stampAt(2), context: new VersionVector() }]),
    );
    expect(read.map((one) => 'context' in one)).toEqual([false, true]);
  });

  test('have room for every context that a policy writes', () => {
    expect(MAX_CONTEXT_INTERVALS).toBeGreaterThanOrEqual(MOST_INTERVALS);
  });

  test('must rise in seq and stamp', () => {
    const op = (seq: number, millis: number) => ({
      origin: O,
      seq,
      stamp: stampAt(millis),
      key: 'k',
      value: null,
    });
    expect(unpackOps(O, packOps([op(1, 1), op(3, 2)]))).toHaveLength(2);
    for (const wrong of [
      [op(1, 1), op(1, 2)],
      [op(2, 1), op(1, 2)],
      [op(1, 2), op(2, 2)],
      [op(1, 2), op(2, 1)],
    ]) {
      expect(() => unpackOps(O, packOps(wrong))).toThrow(MalformedMessage);
    }
  });

  test('are not too many', () => {
    const body = packList(
      Array.from({ length: MAX_OPERATIONS + 1 }, (_, i) => [i + 1, i + 1, 'k', null, null]).flat(),
    );
    expect(() => unpackOps(O, body)).toThrow('too many operations');
  });
});

/** What hostile bytes may cause: a message, or this error and no other. */
function decodeOrRefuse(bytes: Uint8Array): void {
  try {
    const read = decodeMessage(bytes);
    if (read.type === 'push') unpackOps(read.origin, read.body);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedMessage);
  }
}

describe('hostile bytes', () => {
  test('random ones', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodeOrRefuse), { numRuns: 2000 });
  });

  test('random ones that begin like a message', () => {
    const head = fc.tuple(fc.constantFrom(0x92, 0x95, 0x98, 0x9a, 0xdc), fc.integer({ min: 1, max: 21 }));
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 100 }), (start, rest) =>
        decodeOrRefuse(new Uint8Array([...start, ...rest])),
      ),
      { numRuns: 2000 },
    );
  });

  test('truncations of a message', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const bytes = encodeMessage(sent);
        for (let end = 0; end < bytes.length; end += 1 + (end >> 4)) {
          expect(() => decodeMessage(bytes.subarray(0, end))).toThrow(MalformedMessage);
        }
        expect(() => decodeMessage(new Uint8Array([...bytes, 0xc0]))).toThrow(MalformedMessage);
      }),
    );
  });

  test('flipped bits', () => {
    fc.assert(
      fc.property(message, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (sent, flips) => {
        const bytes = encodeMessage(sent);
        for (const flip of flips) {
          const at = (flip >> 3) % bytes.length;
          bytes[at] = (bytes[at] as number) ^ (1 << (flip & 7));
        }
        decodeOrRefuse(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  test('headers that promise more than there is, alone and nested, cost nothing', () => {
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    const huge = [0xdd, 0xff, 0xff, 0xff, 0xff];
    const attacks = [
      huge,
      [0x92, 0x08, ...huge],
      Array.from({ length: 100 }, () => huge).flat(),
      [0xdc, 0xff, 0xff],
      [0x92, 0x02, 0xdb, 0xff, 0xff, 0xff, 0xff],
      [0x92, 0x02, 0xc6, 0xff, 0xff, 0xff, 0xff],
      new Array<number>(1_000_000).fill(0x91),
      new Array<number>(1_000_000).fill(0x90),
    ];
    for (const attack of attacks)
      expect(() => decodeMessage(new Uint8Array(attack))).toThrow(MalformedMessage);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('a message of many small elements is refused before it takes many times its size', () => {
    const bytes = new Uint8Array(MAX_MESSAGE_BYTES);
    bytes.set([0xdd, 0x01, 0x0f, 0xff, 0xfb]);
    expect(() => decodeMessage(bytes)).toThrow('nested too deep or too long');
    expect(() => decodeMessage(new Uint8Array(MAX_MESSAGE_BYTES + 1))).toThrow('too large');
  });

  test.each([
    ['a map', [0x81, 0x01, 0x01]],
    ['a map as a field', [0x93, 0x0c, 0x80, 0x01]],
    ['an extension', [0x93, 0x0c, 0xd4, 0x01, 0x00, 0x01]],
    ['a timestamp', [0x93, 0x0c, 0xd6, 0xff, 0, 0, 0, 0, 0x01]],
    ['a negative number', [0x93, 0x0c, 0xff, 0x01]],
    ['a signed number', [0x93, 0x0c, 0xd0, 0x05, 0x01]],
    ['a float of 32 bits', [0x93, 0x0c, 0xca, 0x3f, 0x80, 0, 0, 0x01]],
    ['a fraction', [0x93, 0x0c, 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0x01]],
    ['not a number', [0x93, 0x0c, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0x01]],
    ['infinity', [0x93, 0x0c, 0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0x01]],
    ['a number beyond 2^53', [0x93, 0x0c, 0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0, 0x01]],
    ['text for a number', [0x93, 0x0c, 0xa1, 0x31, 0x01]],
    ['a type of zero', [0x93, 0x00, 0x01, 0x01]],
    ['a type that is not known', [0x93, 0x7f, 0x01, 0x01]],
    ['a type that is a list', [0x91, 0x91, 0x0c]],
    ['nothing', []],
    ['an empty list', [0x90]],
    ['no list', [0x0c]],
    ['the byte that is never used', [0x92, 0x05, 0xc1]],
    ['depth', [0x92, 0x05, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x01]],
  ])('%s', (_, bytes) => {
    expect(() => decodeMessage(new Uint8Array(bytes))).toThrow(MalformedMessage);
  });

  const push = (lo: number, hi: number): unknown[] => [3, 'default', O, lo, hi, new Uint8Array()];
  const chunk = (change: Readonly<Record<number, unknown>>): unknown[] =>
    Object.assign([8, 1, 0, [O], [0, 2, 5, 'k', null, null], [[1, 1]], false, true, 0, 0n], change);
  test.each<[string, unknown[]]>([
    ['a push that ends before it begins', push(2, 1)],
    ['a push of seq zero', push(0, 1)],
    ['an origin that is no id', [3, 'default', 'o', 1, 1, new Uint8Array()]],
    ['a bucket that is none', [3, 'Default', O, 1, 1, new Uint8Array()]],
    ['a vector with an origin twice', [6, false, ['default', [O, [1, 0], O, [3, 0]]]]],
    ['a vector with an empty origin', [6, false, ['default', [O, []]]]],
    ['a vector with half an interval', [6, false, ['default', [O, [1]]]]],
    ['a vector with touching intervals', [6, false, ['default', [O, [1, 0, 1, 0]]]]],
    ['a vector from zero', [6, false, ['default', [O, [0, 5]]]]],
    ['a vector beyond 2^53', [6, false, ['default', [O, [1, Number.MAX_SAFE_INTEGER]]]]],
    ['a bucket twice', [6, false, ['default', [], 'default', []]]],
    [
      'a bucket twice in a digest',
      [4, 1, Array.from({ length: 2 }, () => ['a', new Uint8Array(16), new Uint8Array(16)]).flat()],
    ],
    ['a hash of 15 bytes', [4, 1, ['a', new Uint8Array(15), new Uint8Array(16)]]],
    ['a list with a row cut off', [4, 1, ['a', new Uint8Array(16)]]],
    ['a name that is too long', [2, 'x'.repeat(1025), '']],
    ['too many addresses', [14, Array.from({ length: 1025 }, () => ['u', O, 'n']).flat()]],
    ['an origin out of the list', chunk({ 4: [1, 2, 5, 'k', null, null] })],
    ['an origin twice in the list', chunk({ 3: [O, O], 5: [[1, 1], []] })],
    [
      'more claims than origins',
      chunk({
        5: [
          [1, 1],
          [1, 1],
        ],
      }),
    ],
    ['an entry twice', chunk({ 4: [0, 2, 5, 'k', null, null, 0, 2, 5, 'k', null, null] })],
    ['an empty key', chunk({ 4: [0, 2, 5, '', null, null] })],
    ['a key that is too long', chunk({ 4: [0, 2, 5, 'é'.repeat(513), null, null] })],
    ['an empty value', chunk({ 4: [0, 2, 5, 'k', new Uint8Array(), null] })],
    ['a value that is text', chunk({ 4: [0, 2, 5, 'k', '1', null] })],
    ['a value that is not JSON', chunk({ 4: [0, 2, 5, 'k', new TextEncoder().encode('{'), null] })],
    ['a value that is not UTF-8', chunk({ 4: [0, 2, 5, 'k', Uint8Array.of(0x22, 0xff, 0x22), null] })],
    ['a flag that is a number', chunk({ 6: 1 })],
  ])('%s', (_, list) => {
    expect(() => decodeMessage(packList(list))).toThrow(MalformedMessage);
  });

  test('keys that are not well-formed UTF-8', () => {
    const sound = encodeMessage({ type: 'cancel', request: 1, reason: 'abcd' });
    const forms = [
      [0xed, 0xa0, 0x80, 0x41],
      [0xc0, 0x80, 0x41, 0x41],
      [0xf5, 0x80, 0x80, 0x80],
      [0x41, 0x41, 0x41, 0xc3],
      [0xff, 0xfe, 0x41, 0x41],
    ];
    for (const form of forms) {
      const bytes = sound.slice();
      bytes.set(form, bytes.length - 4);
      expect(() => decodeMessage(bytes)).toThrow('a text that is not UTF-8');
    }
    const surrogate = chunk({ 4: [0, 2, 5, '\ud800', null, null] });
    expect(() => decodeMessage(packList(surrogate))).toThrow(MalformedMessage);
  });

  test('a flood of claims or operations is taken in linear time', () => {
    const started = performance.now();
    const gaps = Array.from({ length: 300_000 }, () => 2).fill(0, 1, 2);
    for (let i = 1; i < gaps.length; i += 2) gaps[i] = 0;
    const bytes = packList(chunk({ 4: [], 5: [gaps] }));
    expect(decodeMessage(bytes).type).toBe('chunk');
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
