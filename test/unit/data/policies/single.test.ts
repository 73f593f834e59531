import { describe, expect, test } from '@jest/globals';
import { utf8 } from '../../../../src/base/bytes.js';
import type { OriginId } from '../../../../src/base/ids.js';
import { sealEntry } from '../../../../src/data/entry.js';
import { fww } from '../../../../src/data/policies/fww.js';
import { lww } from '../../../../src/data/policies/lww.js';
import { type Stamp, STAMP_ZERO } from '../../../../src/data/stamp.js';
import { VersionVector } from '../../../../src/data/version-vector.js';

const origin = 'o'.repeat(21) as OriginId;
const state = { origin, firstSeq: 1, vector: new VersionVector(), droppedUpTo: STAMP_ZERO };
const write = (stamp: bigint, value: Uint8Array | null) =>
  sealEntry({ key: 'k', origin, seq: Number(stamp), stamp: stamp as Stamp, value });
const PUT = { key: 'k', value: utf8('1') };
const REMOVE = { key: 'k', value: null };
const context = { dots: new VersionVector(), stamp: 0n as Stamp };
const refused = (code: string): object => expect.objectContaining({ code });

describe('lww', () => {
  test('a write goes above what it replaces, and above what was dropped', () => {
    const later = { ...state, droppedUpTo: 5n as Stamp };
    expect(lww.prepare([], PUT, later)).toEqual({ value: PUT.value, above: 5n });
    expect(lww.prepare([write(3n, PUT.value)], PUT, later)).toEqual({ value: PUT.value, above: 3n });
    expect(lww.prepare([write(7n, null)], PUT, state)).toEqual({ value: PUT.value, above: 7n });
    expect(lww.renew(write(7n, PUT.value), state)).toEqual({ value: PUT.value, above: 7n });
  });

  test('deletes only what is there', () => {
    expect(lww.prepare([], REMOVE, state)).toBeUndefined();
    expect(lww.prepare([write(1n, null)], REMOVE, state)).toBeUndefined();
    expect(lww.prepare([write(1n, PUT.value)], REMOVE, state)).toEqual({ value: null, above: 1n });
  });
});

describe('fww', () => {
  test('the first write stands: later ones and deletes are refused', () => {
    expect(fww.prepare([], PUT, state)).toEqual({ value: PUT.value });
    expect(() => fww.prepare([write(1n, PUT.value)], PUT, state)).toThrow(refused('EXISTS'));
    // It would be acknowledged and lose.
    expect(() => fww.prepare([write(1n, null)], PUT, state)).toThrow(refused('EXISTS'));
    expect(() => fww.prepare([write(1n, PUT.value)], REMOVE, state)).toThrow(refused('POLICY'));
    expect(() => fww.prepare([], REMOVE, state)).toThrow(refused('POLICY'));
  });

  test('an earlier write that comes later stands', () => {
    const [early, late] = [write(1n, PUT.value), write(2n, PUT.value)];
    expect(fww.admit([late], early)).toEqual([early]);
    expect(fww.admit([early], late)).toBeUndefined();
    expect(fww.renew(late, state)).toEqual({ value: PUT.value });
  });
});

test.each([lww, fww])('$name counts nothing and has no use for contexts', (policy) => {
  expect(() => policy.prepare([], { key: 'k', increment: 1 }, state)).toThrow(refused('POLICY'));
  expect(() => policy.prepare([], { ...PUT, context }, state)).toThrow(refused('POLICY'));
});
