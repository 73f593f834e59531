import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { utf8 } from '../../../../src/base/bytes.js';
import type { OriginId } from '../../../../src/base/ids.js';
import { type Entry, sealEntry } from '../../../../src/data/entry.js';
import type { LocalOp } from '../../../../src/data/op.js';
import { counter, counterValue, totalOf } from '../../../../src/data/policies/counter.js';
import { formatTotal, parseTotal } from '../../../../src/data/policies/counter-total.js';
import { type Stamp, STAMP_ZERO } from '../../../../src/data/stamp.js';
import { VersionVector } from '../../../../src/data/version-vector.js';
import { fold, type Replica, World } from './world.js';

const ORIGIN = 'o'.repeat(21) as OriginId;
const OTHER = 'p'.repeat(21) as OriginId;
const STATE = { origin: ORIGIN, firstSeq: 1, vector: new VersionVector(), droppedUpTo: STAMP_ZERO };
const by = (increment: number): LocalOp => ({ key: 'k', increment });
const total = (value: string, origin = ORIGIN, seq = 1, context?: VersionVector): Entry =>
  sealEntry({
    key: 'k',
    origin,
    seq,
    stamp: BigInt(seq) as Stamp,
    value: utf8(value),
    ...(context ? { context } : {}),
  });
const refused = (code: string): object => expect.objectContaining({ code });

describe('a counter', () => {
  test('is the sum of what each origin has counted', () => {
    expect(counterValue([])).toBe(0);
    expect(counterValue([total('[3,0]'), total('[-1,5]', OTHER)])).toBe(2);
    expect(totalOf(utf8('[3,0]'))).toBe(3);
  });

  test('notes what was counted before the store was opened', () => {
    const held = total('[3,1]', ORIGIN, 5);
    const inSession = counter.prepare([held], by(2), { ...STATE, firstSeq: 5 });
    const reopened = counter.prepare([held], by(2), { ...STATE, firstSeq: 6 });
    expect(parseTotal(inSession?.value ?? new Uint8Array())).toEqual({ total: 5, base: 1, takenOver: [] });
    expect(parseTotal(reopened?.value ?? new Uint8Array())).toEqual({ total: 5, base: 3, takenOver: [] });
  });

  test('a renewed total takes over what was counted before, as long as nothing later of that origin is known', () => {
    const renewed = counter.renew(total('[7,4]', ORIGIN, 9), { ...STATE, firstSeq: 8 });
    expect(renewed.context?.toText()).toBe(`${ORIGIN}:1-7;`);
    const cell = [total(Buffer.from(renewed.value ?? []).toString(), OTHER, 1, renewed.context)];
    expect(counterValue(cell)).toBe(7);
    // What it stood on does not count twice, and a later total of the former origin counts instead.
    expect(counterValue(fold(counter, [total('[4,0]', ORIGIN, 6), ...cell]))).toBe(7);
    expect(counterValue([...cell, total('[40,4]', ORIGIN, 9)])).toBe(43);
  });

  test('a delete has seen, with each total, the earlier ones of its origin, even those that have not come', () => {
    const world = new World(counter, 2);
    const [a, b] = world.replicas as [Replica, Replica];
    const first = world.write(a, by(1));
    const second = world.write(a, by(1));
    if (second) world.take(b, second);
    const removed = world.write(b, { key: 'k', value: null });
    expect(removed?.context?.toText()).toBe(`${a.origin}:1-2;`);
    if (first) world.take(b, first);
    expect(counterValue(world.cell(b, 'k'))).toBe(0);
  });

  test('a forged context with gaps is read in the same way, so that no order of arrival matters', () => {
    const context = new VersionVector([[ORIGIN, [2, 2]]]);
    const removed = sealEntry({ key: 'k', origin: OTHER, seq: 1, stamp: 9n as Stamp, value: null, context });
    const [first, second] = [total('[1,0]'), total('[2,0]', ORIGIN, 2)];
    expect(fold(counter, [removed, first, second])).toEqual([removed]);
    expect(fold(counter, [second, first, removed])).toEqual([removed]);
  });

  test('a total that goes on concurrently with a delete stands whole', () => {
    const world = new World(counter, 2);
    const [a, b] = world.replicas as [Replica, Replica];
    world.write(a, by(5));
    world.sync(a, b, Infinity);
    world.write(b, { key: 'k', value: null });
    world.write(a, by(1));
    world.heal();
    expect(world.replicas.map((replica) => counterValue(world.cell(replica, 'k')))).toEqual([6, 6]);
    world.write(a, { key: 'k', value: null });
    expect(world.write(a, { key: 'k', value: null })).toBeUndefined();
    world.write(a, by(2));
    world.heal();
    expect(world.replicas.map((replica) => counterValue(world.cell(replica, 'k')))).toEqual([2, 2]);
  });

  test('takes no values, no contexts and nothing beyond the safe integers', () => {
    const most = total(`[${Number.MAX_SAFE_INTEGER},0]`, OTHER);
    expect(() => counter.prepare([], { key: 'k', value: utf8('1') }, STATE)).toThrow(refused('POLICY'));
    const context = { dots: new VersionVector(), stamp: 0n as Stamp };
    expect(() => counter.prepare([most], { key: 'k', value: null, context }, STATE)).toThrow(
      refused('POLICY'),
    );
    expect(() => counter.prepare([most], by(1), STATE)).toThrow(refused('VALUE_INVALID'));
    expect(() => counter.prepare([], by(0.5), STATE)).toThrow(refused('VALUE_INVALID'));
    expect(() => counter.prepare([], by(2 ** 53), STATE)).toThrow(refused('VALUE_INVALID'));
    expect(counterValue([most, total(`[${Number.MAX_SAFE_INTEGER},0]`)])).toBe(2 * Number.MAX_SAFE_INTEGER);
    const low = total(`[${Number.MIN_SAFE_INTEGER},${Number.MAX_SAFE_INTEGER}]`);
    expect(() => counter.prepare([low], by(1), STATE)).toThrow(refused('VALUE_INVALID'));
    expect(counter.prepare([most], by(-1), STATE)).toBeDefined();
  });

  test('what is no total counts as 0 and stops nothing', () => {
    const hostile = [
      '',
      '1',
      '{}',
      '[1]',
      '[1,2,3]',
      '[1.5,0]',
      '["1",0]',
      '[1,null]',
      '[9007199254740992,0]',
      '[1,2,[]',
    ];
    hostile.push('[1,0,[["x",1,1]]]', `[1,0,[["${ORIGIN}",1]]]`, '[1,0,[],0]', `[1,0]${' '.repeat(20_000)}`);
    for (const text of hostile) {
      expect(counterValue([total(text)])).toBe(0);
      expect(counter.prepare([total(text)], by(1), STATE)?.value).toEqual(utf8('[1,0]'));
    }
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(Number.isSafeInteger(totalOf(bytes))).toBe(true);
      }),
    );
  });

  test('what is written is read as it was', () => {
    const former = fc.record({
      origin: fc.constantFrom(ORIGIN, OTHER),
      seq: fc.maxSafeNat(),
      total: fc.maxSafeInteger(),
    });
    const arbitrary = fc.record({
      total: fc.maxSafeInteger(),
      base: fc.maxSafeInteger(),
      takenOver: fc.array(former),
    });
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(parseTotal(formatTotal(value))).toEqual(value);
      }),
    );
  });
});
