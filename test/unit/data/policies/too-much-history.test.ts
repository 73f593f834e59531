import { describe, expect, test } from '@jest/globals';
import { utf8 } from '../../../../src/base/bytes.js';
import type { OriginId } from '../../../../src/base/ids.js';
import type { Cell } from '../../../../src/data/cell.js';
import { type Entry, sealEntry } from '../../../../src/data/entry.js';
import type { PutOp } from '../../../../src/data/op.js';
import { contextOf, MOST_AHEAD, MOST_INTERVALS } from '../../../../src/data/policies/causal.js';
import { siblings } from '../../../../src/data/policies/siblings.js';
import { STAMP_ZERO, stampAt } from '../../../../src/data/stamp.js';
import { VersionVector } from '../../../../src/data/version-vector.js';

const id = (name: string): OriginId => name.padStart(21, '-') as OriginId;
const [OURS, FRIEND, LIAR, STRANGER] = ['ours', 'friend', 'liar', 'stranger'].map(id) as [
  OriginId,
  OriginId,
  OriginId,
  OriginId,
];
/** Every other seq. */
const gaps = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => [2 * i + 1, 2 * i + 1]).flat();
const madeUp = (count: number): VersionVector => new VersionVector([[STRANGER, gaps(count)]]);

function entry(origin: OriginId, seq: number, text: string | null, context?: VersionVector): Entry {
  const value = text === null ? null : utf8(text);
  return sealEntry({ key: 'k', origin, seq, stamp: stampAt(seq), value, ...(context ? { context } : {}) });
}

const sound = entry(FRIEND, 2, '"sound"', new VersionVector([[FRIEND, [1, 1]]]));
const forged = entry(LIAR, 1, '"forged"', madeUp(MOST_INTERVALS));
const vector = new VersionVector([
  [OURS, [1, 9]],
  [FRIEND, [1, 2]],
  [LIAR, [1, 1]],
]);
const state = { origin: OURS, firstSeq: 1, vector, droppedUpTo: STAMP_ZERO };

/** What stands once a write with this context, or none, has come. */
function after(cell: Cell, op: PutOp): Cell {
  const content = siblings.prepare(cell, op, state);
  if (!content) throw new Error('there was nothing to write');
  const { value, context } = content;
  const written = {
    key: 'k',
    origin: OURS,
    seq: 10,
    stamp: stampAt(9),
    value,
    ...(context ? { context } : {}),
  };
  return siblings.admit(cell, sealEntry(written)) ?? cell;
}

const put: PutOp = { key: 'k', value: utf8('"new"') };
const remove: PutOp = { key: 'k', value: null };
const textOf = (value: Uint8Array | null): unknown =>
  value === null ? null : JSON.parse(Buffer.from(value).toString());
const textsOf = (cell: Cell): unknown[] => cell.map(({ value }) => textOf(value));
const refused = expect.objectContaining({ code: 'POLICY' }) as object;

describe('a key under which somebody has made up more history than a context holds', () => {
  test('is read with a context that holds what fits, each entry with all that it had seen', () => {
    const { dots, stamp } = contextOf([sound, forged], vector);
    expect(dots.toText()).toBe(`${FRIEND}:1-2;`);
    expect(stamp).toBe(sound.stamp);
  });

  test('takes writes, which replace all but what was made up, and supersede nothing unseen', () => {
    for (const context of [undefined, contextOf([sound, forged], vector)]) {
      const cell = after([sound, forged], context ? { ...put, context } : put);
      expect(textsOf(cell)).toEqual(['forged', 'new']);
      expect(cell.at(-1)?.context?.covers(forged)).toBe(false);
    }
  });

  test('and where what a write had superseded comes late, it is superseded by the next one too', () => {
    const first = entry(FRIEND, 1, '"first"');
    const [, next] = after([sound, forged], put);
    expect(siblings.admit([next as Entry], first)).toBeUndefined();
  });

  test('gives up what was made up as soon as there is room', () => {
    const small = entry(LIAR, 1, '"forged"', madeUp(MOST_INTERVALS - 2));
    expect(textsOf(after([sound, small], put))).toEqual(['new']);
    expect(textsOf(after([sound, small], remove))).toEqual([null]);
  });

  test('refuses a delete that would leave a value standing, and takes one of the rest', () => {
    expect(() => siblings.prepare([sound, forged], remove, state)).toThrow(refused);
    const context = contextOf([sound, forged], vector);
    expect(textsOf(after([sound, forged], { ...remove, context }))).toEqual(['forged', null]);
    // A context from elsewhere that names the forged one, of which not all is known there.
    const named = { dots: VersionVector.ofDots([sound, forged]), stamp: stampAt(3) };
    expect(() => siblings.prepare([sound, forged], { ...remove, context: named }, state)).toThrow(refused);
  });
});

describe('a client whose context names what this peer has not heard of', () => {
  const withContext = (dots: VersionVector): PutOp => ({ ...put, context: { dots, stamp: stampAt(3) } });

  test('writes with a little of it, which is kept as it is: it supersedes what comes later', () => {
    const content = siblings.prepare([sound], withContext(madeUp(MOST_AHEAD)), state);
    expect(content?.context?.get(STRANGER)).toEqual(gaps(MOST_AHEAD));
  });

  test('is told when it is too much, also bit by bit', () => {
    expect(() => siblings.prepare([sound], withContext(madeUp(MOST_AHEAD + 1)), state)).toThrow(refused);
    const full = entry(FRIEND, 2, '1', madeUp(MOST_AHEAD));
    const more = new VersionVector([[id('another'), [1, 1]]]);
    more.add(FRIEND, 2, 2);
    expect(() => siblings.prepare([full], withContext(more), state)).toThrow(refused);
  });

  test('writes with what stands here, however much of that is unheard of', () => {
    const much = entry(FRIEND, 2, '1', madeUp(MOST_AHEAD + 500));
    const { dots } = contextOf([much], vector);
    expect(textsOf(after([much], withContext(dots)))).toEqual(['new']);
  });
});
