import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { utf8 } from '../../../../src/base/bytes.js';
import { hasLive } from '../../../../src/data/cell.js';
import { memberKey, set, splitMemberKey } from '../../../../src/data/policies/set.js';
import { type Replica, World } from './world.js';

const KEY = memberKey('k', 'member');
const ADD = { key: KEY, value: utf8('true') };
const REMOVE = { key: KEY, value: null };
const refused = (code: string): object => expect.objectContaining({ code });

describe('a set', () => {
  test('add wins over a concurrent remove, also when the member was there before', () => {
    const world = new World(set, 2);
    const [a, b] = world.replicas as [Replica, Replica];
    world.write(a, ADD);
    world.heal();
    world.write(a, REMOVE);
    expect(world.write(b, ADD)).toBeDefined();
    expect(hasLive(world.cell(a, KEY))).toBe(false);
    world.heal();
    expect(world.replicas.map((replica) => hasLive(world.cell(replica, KEY)))).toEqual([true, true]);
    world.write(a, REMOVE);
    world.heal();
    expect(world.replicas.map((replica) => hasLive(world.cell(replica, KEY)))).toEqual([false, false]);
    expect(world.write(b, REMOVE)).toBeUndefined();
  });

  test('takes members, nothing else', () => {
    const [state] = new World(set, 1).replicas as [Replica];
    for (const op of [
      { key: 'k', value: utf8('true') },
      { key: 'k', value: null },
      { key: KEY, value: utf8('1') },
    ]) {
      expect(() => set.prepare([], op, state)).toThrow(refused('POLICY'));
    }
    expect(() => set.prepare([], { key: KEY, increment: 1 }, state)).toThrow(refused('POLICY'));
  });

  test('keys of members say set and member', () => {
    const key = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\u0000'));
    fc.assert(
      fc.property(key, fc.string({ unit: 'binary' }), (k, member) => {
        expect(splitMemberKey(memberKey(k, member))).toEqual({ key: k, member });
      }),
    );
    expect(() => memberKey('a\u0000b', 'c')).toThrow(refused('KEY_INVALID'));
    expect(splitMemberKey('alone')).toEqual({ key: 'alone', member: '' });
  });
});
