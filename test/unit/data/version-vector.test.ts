import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { OriginId } from '../../../src/base/ids.js';
import { dotToText } from '../../../src/data/dot.js';
import type { Dot } from '../../../src/data/dot.js';
import { VersionVector } from '../../../src/data/version-vector.js';

const ORIGINS = ['a', 'b', 'c'].map((letter) => letter.repeat(21) as OriginId);
const dot = fc.record({ origin: fc.constantFrom(...ORIGINS), seq: fc.integer({ min: 1, max: 12 }) });
const dots = fc.array(dot, { maxLength: 25 });

function vectorOf(list: readonly Dot[]): VersionVector {
  const vector = new VersionVector();
  for (const { origin, seq } of list) vector.add(origin, seq, seq);
  return vector;
}

const merged = (...vectors: VersionVector[]): string => {
  const result = new VersionVector();
  for (const vector of vectors) result.merge(vector);
  return result.toText();
};

const all = ORIGINS.flatMap((origin) => Array.from({ length: 13 }, (_, i) => ({ origin, seq: i + 1 })));

describe('a version vector', () => {
  test('merges: commutative, associative, idempotent', () => {
    fc.assert(
      fc.property(dots, dots, dots, (x, y, z) => {
        const [a, b, c] = [vectorOf(x), vectorOf(y), vectorOf(z)];
        expect(merged(a, b)).toBe(merged(b, a));
        const ab = vectorOf([...x, ...y]);
        expect(merged(ab, c)).toBe(merged(a, vectorOf([...y, ...z])));
        expect(merged(a, a)).toBe(a.toText());
      }),
    );
  });

  test('covers, minus, within, count', () => {
    fc.assert(
      fc.property(dots, dots, (x, y) => {
        const [a, b] = [vectorOf(x), vectorOf(y)];
        const [inA, inB] = [new Set(x.map(dotToText)), new Set(y.map(dotToText))];
        const rest = a.minus(b);
        for (const d of all) {
          const text = dotToText(d);
          expect(a.covers(d)).toBe(inA.has(text));
          expect(rest.covers(d)).toBe(inA.has(text) && !inB.has(text));
        }
        expect(a.count()).toBe(inA.size);
        expect(a.within(b)).toBe([...inA].every((d) => inB.has(d)));
        expect(rest.size === 0).toBe(a.within(b));
      }),
    );
  });

  test('equals another one just when both cover the same', () => {
    fc.assert(
      fc.property(dots, dots, (x, y) => {
        const [a, b] = [vectorOf(x), vectorOf(y)];
        expect(a.equals(b)).toBe(a.toText() === b.toText());
        expect(a.equals(vectorOf([...x].reverse()))).toBe(true);
        expect(a.equals(a.clone())).toBe(true);
      }),
    );
  });

  test('its hash is canonical: whatever the order, whatever way it was built', () => {
    fc.assert(
      fc.property(dots, fc.integer(), (x, turn) => {
        const shifted = [...x.slice(turn % (x.length || 1)), ...x.slice(0, turn % (x.length || 1))].reverse();
        const [a, b] = [vectorOf(x), vectorOf(shifted)];
        expect(b.hash()).toEqual(a.hash());
        expect(new VersionVector([...a.entries()].reverse()).hash()).toEqual(a.hash());
      }),
    );
  });

  test('its hash follows every change, also of removals', () => {
    const vector = vectorOf([{ origin: ORIGINS[0] as OriginId, seq: 1 }]);
    const former = vector.hash();
    vector.add(ORIGINS[1] as OriginId, 3, 4);
    expect(vector.hash()).not.toEqual(former);
    vector.removeAll(ORIGINS[1] as OriginId, [1, 9]);
    expect(vector.hash()).toEqual(former);
    expect(vector.size).toBe(1);
    vector.removeAll(ORIGINS[2] as OriginId, [1, 9]);
    expect(vector.hash()).toEqual(former);
  });

  test('a copy does not follow its original', () => {
    const vector = vectorOf([{ origin: ORIGINS[0] as OriginId, seq: 1 }]);
    const copy = vector.clone();
    vector.add(ORIGINS[0] as OriginId, 2, 2);
    expect(copy.toText()).toBe(`${'a'.repeat(21)}:1-1;`);
  });

  test('is built from falling dots', () => {
    fc.assert(
      fc.property(dots, (x) => {
        const falling = [...new Map(x.map((d) => [dotToText(d), d])).values()].sort((a, b) => b.seq - a.seq);
        expect(VersionVector.ofDots(falling).toText()).toBe(vectorOf(x).toText());
      }),
    );
  });
});
