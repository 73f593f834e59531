import { describe, expect, test } from '@jest/globals';
import { utf8 } from '../../../../src/base/bytes.js';
import type { PutOp } from '../../../../src/data/op.js';
import { contextOf } from '../../../../src/data/policies/causal.js';
import { liveSiblings, siblings } from '../../../../src/data/policies/siblings.js';
import { type Stamp, STAMP_ZERO } from '../../../../src/data/stamp.js';
import { dotsOf, type Replica, World } from './world.js';

const put = (text: string, key = 'k'): PutOp => ({ key, value: utf8(text) });
const REMOVE: PutOp = { key: 'k', value: null };

function three(): { world: World; a: Replica; b: Replica; c: Replica } {
  const world = new World(siblings, 3);
  const [a, b, c] = world.replicas as [Replica, Replica, Replica];
  return { world, a, b, c };
}
const valuesAt = (world: World, replica: Replica): string[] =>
  liveSiblings(world.cell(replica, 'k')).map(({ value }) => (value ? Buffer.from(value).toString() : ''));

describe('siblings', () => {
  test('concurrent values stand side by side until a write that has seen both', () => {
    const { world, a, b } = three();
    world.write(a, put('1'));
    world.write(b, put('2'));
    world.sync(a, b, Infinity);
    expect(valuesAt(world, b).sort()).toEqual(['1', '2']);
    world.write(b, put('3'));
    expect(valuesAt(world, b)).toEqual(['3']);
  });

  test('a context that is widened leaves out a value that its client has not seen', () => {
    const { world, a, b } = three();
    world.read(a, 'k');
    const [nothing] = world.readings;
    const first = world.write(a, put('1'), nothing);
    const second = world.write(a, put('2'), nothing);
    if (first && second) world.take(b, second);
    world.read(b, 'k');
    world.write(a, put('3'), world.readings[1]);
    expect(valuesAt(world, a).sort()).toEqual(['1', '3']);
  });

  test('a replica in which a tombstone stands still accounts for what it deleted, when its writer dropped it', () => {
    const { world, a, b, c } = three();
    const old = world.write(b, put('1'));
    for (const to of [a, c]) world.sync(b, to, Infinity);
    world.write(a, REMOVE);
    for (const to of [b, c]) world.sync(a, to, Infinity);
    world.dropTombstones(a);
    world.write(a, put('2'));
    const last = world.write(a, put('3'));
    // Its context is widened over the tombstone's dot, but does not hold what only the tombstone had seen.
    expect(last?.context?.covers(old as never)).toBe(false);
    if (last) world.take(c, last);
    expect(world.lost(c)).toEqual([]);
    expect(valuesAt(world, c)).toEqual(['3']);
  });

  test('a delete that has seen what this replica lacks is written all the same', () => {
    const { world, a, b } = three();
    world.write(a, put('1'));
    world.read(a, 'k');
    expect(world.write(b, REMOVE)).toBeUndefined();
    expect(world.write(b, REMOVE, world.readings[0])).toBeDefined();
    world.sync(a, b, Infinity);
    expect(valuesAt(world, b)).toEqual([]);
  });

  test('a delete of what its client has not seen is none', () => {
    const { world, a } = three();
    world.read(a, 'k');
    world.write(a, put('1'));
    expect(world.write(a, REMOVE, world.readings[0])).toBeUndefined();
    expect(valuesAt(world, a)).toEqual(['1']);
  });

  test('a write is above all that its context names, whatever stamp that has', () => {
    const { world, a } = three();
    world.write(a, put('1'));
    const { dots } = contextOf(world.cell(a, 'k'), a.vector);
    const stamp = world.cell(a, 'k')[0]?.stamp;
    const state = { origin: a.origin, firstSeq: 1, vector: a.vector, droppedUpTo: STAMP_ZERO };
    const low = { ...put('2'), context: { dots, stamp: 0n as Stamp } };
    const high = { ...put('2'), context: { dots, stamp: 99n as Stamp } };
    expect(siblings.prepare(world.cell(a, 'k'), low, state)?.above).toBe(stamp);
    expect(siblings.prepare(world.cell(a, 'k'), high, state)?.above).toBe(99n);
  });

  test('contexts stay small, whatever else their writers write', () => {
    const { world, a, b } = three();
    for (let round = 0; round < 20; round++) {
      for (const replica of [a, b]) {
        world.write(replica, put('0', 'other'));
        world.write(replica, put('1'));
      }
      world.sync(a, b, Infinity);
      world.sync(b, a, Infinity);
    }
    expect(world.write(a, put('1'))?.context?.intervalCount()).toBe(2);
  });

  test('counts nothing', () => {
    const { a } = three();
    expect(() => siblings.prepare([], { key: 'k', increment: 1 }, a)).toThrow(
      expect.objectContaining({ code: 'POLICY' }),
    );
  });

  test('gives values in one order, tombstones left out', () => {
    const { world, a, b } = three();
    world.write(a, put('1'));
    world.write(b, put('2'));
    world.sync(a, b, Infinity);
    world.sync(b, a, Infinity);
    world.write(b, REMOVE);
    world.write(a, put('3'));
    world.sync(b, a, Infinity);
    expect(dotsOf(world.cell(a, 'k'))).toHaveLength(2);
    expect(valuesAt(world, a)).toEqual(['3']);
  });
});
