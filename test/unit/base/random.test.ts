import { describe, expect, test } from '@jest/globals';
import { ID_LENGTH, isId } from '../../../src/base/ids.js';
import { Random } from '../../../src/base/random.js';

describe('random', () => {
  test('a seed gives the same numbers for ever', () => {
    const random = new Random([1, 2, 3, 4]);
    const words = [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
    expect(words).toMatchInlineSnapshot(`
     [
       417285410,
       1196253302,
       123583739,
       800524041,
     ]
    `);
    expect(random.id()).toMatchInlineSnapshot(`"feD_QXamv6UNFb6TAlOAV"`);
    expect(Random.fromNumber(42).float()).toMatchInlineSnapshot(`0.7629594556055963`);
  });

  test('different seeds give different runs', () => {
    const ids = [0, 1, 2, 2 ** 32, 2 ** 33].map((seed) => Random.fromNumber(seed).id());
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('ids have the form of ids, and use the whole alphabet', () => {
    const random = Random.fromNumber(1);
    const ids = Array.from({ length: 500 }, () => random.id());
    expect(ids.every((id) => isId(id) && id.length === ID_LENGTH)).toBe(true);
    expect(new Set(ids.join('')).size).toBe(64);
  });

  test('integers and picks stay within their bounds and reach them', () => {
    const random = Random.fromNumber(3);
    const drawn = new Set(Array.from({ length: 200 }, () => random.integer(-1, 2)));
    expect([...drawn].sort((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
    expect(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b'])))).toEqual(new Set(['a', 'b']));
    expect(random.pick<string>([])).toBeUndefined();
  });
});
