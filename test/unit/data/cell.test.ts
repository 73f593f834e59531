import { describe, expect, test } from '@jest/globals';
import { utf8 } from '../../../src/base/bytes.js';
import type { OriginId } from '../../../src/base/ids.js';
import { EMPTY_CELL, hasLive, isLive, standing, without } from '../../../src/data/cell.js';
import { sealEntry } from '../../../src/data/entry.js';
import type { Stamp } from '../../../src/data/stamp.js';

const origin = 'o'.repeat(21) as OriginId;
const write = (seq: number, value: Uint8Array | null) =>
  sealEntry({ key: 'k', origin, seq, stamp: BigInt(seq) as Stamp, value });
const [gone, there] = [write(1, null), write(2, utf8('1'))];

describe('a cell', () => {
  test('is live when any of its writes is a value', () => {
    expect([gone, there].map(isLive)).toEqual([false, true]);
    expect([EMPTY_CELL, [gone], [gone, there]].map(hasLive)).toEqual([false, false, true]);
  });

  test('gives the write of a dot, if it stands', () => {
    expect(standing([gone, there], { origin, seq: 2 })).toBe(there);
    expect(standing([gone], { origin, seq: 2 })).toBeUndefined();
    expect(standing([gone, there], { origin: 'p'.repeat(21), seq: 2 })).toBeUndefined();
  });

  test('without another one: what only it has', () => {
    expect(without([gone], EMPTY_CELL)).toEqual([gone]);
    expect(without(EMPTY_CELL, [gone])).toEqual([]);
    expect(without([there], [gone])).toEqual([there]);
    expect(without([there], [gone, there])).toEqual([]);
    expect(without([gone, there], [there])).toEqual([gone]);
    const many = Array.from({ length: 20 }, (_, i) => write(i + 3, null));
    expect(without([...many, there], many)).toEqual([there]);
  });
});
