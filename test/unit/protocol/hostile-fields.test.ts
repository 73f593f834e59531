import { describe, expect, test } from '@jest/globals';
import type { OriginId } from '../../../src/base/ids.js';
import { decodeMessage, unpackOps } from '../../../src/protocol/codec.js';
import { MalformedMessage, packList } from '../../../src/protocol/fields.js';
import {
  MAX_BLOCKS,
  MAX_CONTEXT_INTERVALS,
  MAX_LISTED,
  MAX_MEMBER_ORIGINS,
  MAX_MEMBERS,
} from '../../../src/protocol/limits.js';

/*
 * Each message below is sound but for one field, and the error must be about that field: else it might be refused for
 * another reason.
 */

const O = 'o'.repeat(21) as OriginId;
const O2 = 'p'.repeat(21) as OriginId;
/** As many ids as one likes. */
const idOf = (n: number): string => n.toString(36).padStart(21, '0');
const hash = new Uint8Array(16);
const short = new Uint8Array(8);

type Change = Readonly<Record<number, unknown>>;
const changed = (sound: readonly unknown[]) => (change: Change) => Object.assign([...sound], change);

const digest = changed([4, 1, ['a', hash, hash], hash]);
const compare = changed([16, 1, 0, 'a', [O, O2], [0, 2, 0, new Uint8Array(16), 1, 0, 5, short]]);
const differ = changed([17, 1, 0, [0, 1, 4094], [[O, [1, 4]], []]]);
const listing = changed([18, 1, 0, 'a', [O, O2], [0, 1, 1, 'k', short, 1, 1, 1, 'l', short]]);
const answer = changed([
  19,
  1,
  0,
  [4095],
  [O],
  [0, 2, 5, 'k', null, [0, [1, 0]], 0, 1, 4, 'l', null, null],
  4096,
]);
const roster = changed([20, true, [O, 1, 0, 0, O2, 2n ** 64n - 1n, 0, 2n ** 64n - 1n]]);
const record = changed([O, 'name', 1, [0, 1], ['a', [0, [1, 4]]], 0, null, 0]);
const members = (change: Change): unknown[] => [21, [O, O2], record(change)];
/** A record of so many origins. */
const withOrigins = (count: number): unknown[] => {
  const places = Array.from({ length: count }, (_, i) => i);
  return [21, places.map(idOf), record({ 3: places, 4: [] })];
};
const chunk = changed([
  8,
  1,
  0,
  [O, O2],
  [0, 2, 5, 'k', null, [0, [1, 0], 1, [3, 6]]],
  [[1, 1]],
  false,
  true,
  0,
  0n,
]);
const withContext = (context: unknown): unknown[] => chunk({ 4: [0, 2, 5, 'k', null, context] });

/** n intervals, ascending and not touching. */
const manyIntervals = (n: number): number[] => [1, 0, ...Array.from({ length: n - 1 }, () => [2, 0]).flat()];

test.each([digest, compare, differ, listing, answer, roster, members, chunk])(
  'they are sound without the change',
  (message) => {
    expect(decodeMessage(packList(message({}))).type).toBeDefined();
  },
);

describe('refused is', () => {
  test.each<[string, unknown[], string]>([
    ['a digest without a hash of the members', digest({}).slice(0, 3), 'a field is missing'],
    ['a hash of the members of 15 bytes', digest({ 3: new Uint8Array(15) }), 'a hash of 16 bytes'],

    [
      'a block of an origin that is not in the list',
      compare({ 4: [O] }),
      'an origin that is not in the list',
    ],
    ['a block of a level that there is not', compare({ 5: [0, 3, 0, short] }), 'a block that does not exist'],
    [
      'a block of seqs that there are not',
      compare({ 5: [0, 0, 2 ** 49, short] }),
      'a block that does not exist',
    ],
    ['blocks that run out of seqs', compare({ 5: [0, 0, 2 ** 49 - 1, hash] }), 'a block that does not exist'],
    ['a sum of half a size', compare({ 5: [0, 0, 0, new Uint8Array(12)] }), 'sums of a wrong size'],
    ['a run of no blocks', compare({ 5: [0, 0, 0, new Uint8Array()] }), 'sums of a wrong size'],
    [
      'a block that comes twice',
      compare({ 5: [0, 0, 0, hash, 0, 0, 1, short] }),
      'a block that is named twice',
    ],
    ['a run cut off', compare({ 5: [0, 0, 0] }), 'a field is missing'],
    [
      'more blocks than there may be in one run',
      compare({ 5: [0, 0, 0, new Uint8Array(8 * (MAX_BLOCKS + 1))] }),
      'too long',
    ],
    [
      'more blocks than there may be in many runs',
      compare({ 5: Array.from({ length: MAX_BLOCKS + 1 }, (_, i) => [0, 0, 2 * i, short]).flat() }),
      'too long',
    ],

    ['a place that comes twice', differ({ 3: [1, 0] }), 'not a list of places'],
    ['a place that no question has', differ({ 3: [MAX_BLOCKS] }), 'not a list of places'],
    ['places that add up to more than is safe', differ({ 3: [1, 2 ** 53 - 1] }), 'not a list of places'],
    ['too many places', differ({ 3: Array.from({ length: MAX_BLOCKS + 1 }, () => 0) }), 'too long'],
    ['a start of a vector alone', differ({ 4: [[O, [1, 4]]] }), 'a field is missing'],
    ['a start that is a flag', differ({ 4: true }), 'expected a list'],
    ['a start with a floor that is none', differ({ 4: [[], [O, []]] }), 'not a version vector'],

    [
      'an entry listed twice',
      listing({ 5: [0, 1, 1, 'k', short, 0, 1, 2, 'l', short] }),
      'a dot that is named twice',
    ],
    ['a listed entry of seq zero', listing({ 5: [0, 0, 1, 'k', short] }), 'a seq of zero'],
    ['a listed entry without a key', listing({ 5: [0, 1, 1, '', short] }), 'not a key'],
    ['a listed digest in full', listing({ 5: [0, 1, 1, 'k', hash] }), 'a hash of 8 bytes'],
    [
      'a listing without end',
      listing({ 5: Array.from({ length: MAX_LISTED + 1 }, (_, i) => [0, i + 1, 1, 'k', short]).flat() }),
      'too long',
    ],

    ['an answer that does not say how far it goes', answer({}).slice(0, 6), 'a field is missing'],
    ['a drop beyond any listing', answer({ 3: [MAX_LISTED] }), 'not a list of places'],
    [
      'an answer with a dot twice',
      answer({ 5: [0, 2, 5, 'k', null, null, 0, 3, 6, 'm', null, null, 0, 2, 5, 'l', null, null] }),
      'a dot that is named twice',
    ],

    ['a member twice in a roster', roster({ 2: [O, 1, 0, 0, O, 2, 0, 0] }), 'a member that is named twice'],
    ['a number that is none', roster({ 2: [O, '1', 0, 0] }), 'expected a stamp'],
    [
      'a roster without end',
      roster({ 2: Array.from({ length: MAX_MEMBERS + 1 }, (_, i) => [idOf(i), 1, 0, 0]).flat() }),
      'too long',
    ],
    ['a record without a name', members({ 1: null }), 'expected a short text'],
    ['a record of a name that steers a terminal', members({ 1: '\u001b[2J' }), 'control characters'],
    ['a record of an address that steers a terminal', members({ 6: '\u001b[2J' }), 'control characters'],
    ['a record without a down mark', members({ 7: null }), 'expected a stamp'],
    ['a record with an origin twice', members({ 3: [0, 0] }), 'an origin that is named twice'],
    ['a record of too many origins', withOrigins(MAX_MEMBER_ORIGINS + 1), 'too long'],
    ['a record of an origin that is not in the list', members({ 3: [2] }), 'not in the list'],
    [
      'a record that covers an origin twice',
      members({ 4: ['a', [0, [1, 4], 0, [6, 1]]] }),
      'not a version vector',
    ],
    ['a record that covers nothing of an origin', members({ 4: ['a', [0, []]] }), 'not a version vector'],
    ['a record with a bucket twice', members({ 4: ['a', [], 'a', []] }), 'a bucket that is named twice'],
    [
      'a record cut off',
      members({})
        .slice(0, 2)
        .concat([record({}).slice(0, 5)]),
      'a field is missing',
    ],
    [
      'too many records',
      [21, [O, O2], Array.from({ length: MAX_MEMBERS + 1 }, (_, i) => record({ 0: idOf(i) })).flat()],
      'too long',
    ],

    [
      'an operation without its place for a context',
      chunk({ 4: [0, 2, 5, 'k', null] }),
      'a field is missing',
    ],
    ['a context that is a flag', withContext(false), 'expected a list'],
    ['a context of an origin that is not in the list', withContext([2, [1, 0]]), 'not in the list'],
    ['a context with an origin twice', withContext([0, [1, 0], 0, [3, 0]]), 'not a version vector'],
    ['a context with an origin of which it has nothing', withContext([0, []]), 'not a version vector'],
    ['a context with touching intervals', withContext([0, [1, 0, 1, 0]]), 'not a list of intervals'],
    ['a context from zero', withContext([0, [0, 5]]), 'not a list of intervals'],
    [
      'a context of too many intervals in one origin',
      withContext([0, manyIntervals(MAX_CONTEXT_INTERVALS + 1)]),
      'too many intervals',
    ],
    [
      'a context of too many intervals in several origins',
      withContext([0, manyIntervals(MAX_CONTEXT_INTERVALS), 1, [1, 0]]),
      'too many intervals',
    ],
  ])('%s', (_, list, reason) => {
    expect(() => decodeMessage(packList(list))).toThrow(MalformedMessage);
    expect(() => decodeMessage(packList(list))).toThrow(reason);
  });

  test.each<[string, unknown[], string]>([
    [
      'a body that names its own origin among the others',
      [[O], 1, 1, 'k', null, null],
      'an origin that is named twice',
    ],
    ['a body that names an origin twice', [[O2, O2], 1, 1, 'k', null, null], 'an origin that is named twice'],
    [
      'a body with a context of an origin that it does not name',
      [1, 1, 'k', null, [1, [1, 0]]],
      'not in the list',
    ],
    ['a body with two lists of origins', [[O2], [O2], 1, 1, 'k', null, null], 'expected a count'],
    ['an operation of version 1', [1, 1, 'k', null], 'a field is missing'],
    ['a context of too many intervals', [1, 1, 'k', null, [0, manyIntervals(4097)]], 'too many intervals'],
  ])('%s', (_, body, reason) => {
    expect(() => unpackOps(O, packList(body))).toThrow(MalformedMessage);
    expect(() => unpackOps(O, packList(body))).toThrow(reason);
  });
});

test('the bounds themselves are kept to', () => {
  const many = Array.from({ length: MAX_BLOCKS }, (_, i) => i);
  for (const message of [
    compare({ 5: [0, 0, 0, new Uint8Array(8 * MAX_BLOCKS)] }),
    differ({ 3: many.map((i) => Math.min(i, 1)) }),
    listing({ 5: many.slice(0, MAX_LISTED).flatMap((i) => [0, i + 1, 1, 'k', short]) }),
    roster({ 2: many.slice(0, MAX_MEMBERS).flatMap((i) => [idOf(i), 1, 0, 0]) }),
    withOrigins(MAX_MEMBER_ORIGINS),
    withContext([0, manyIntervals(MAX_CONTEXT_INTERVALS - 1), 1, [1, 0]]),
  ]) {
    expect(decodeMessage(packList(message)).type).toBeDefined();
  }
});
