import { describe, expect, test } from '@jest/globals';
import { utf8 } from '../../../../src/base/bytes.js';
import { compareEntries, type EntryWithoutDigest, sealEntry } from '../../../../src/data/entry.js';
import type { PolicyName } from '../../../../src/data/policy.js';
import { op, vector } from '../builders.js';
import { bothAsk, Side, talk } from './sides.js';

type Op = EntryWithoutDigest;
const seen = (context: string, base: Op): Op => ({ ...base, context: vector(context) });
const total = (base: Op, value: number): Op => ({ ...base, value: utf8(`[${value},0]`) });

/** Two sides that both have taken all of `ops`. */
function pair(policy: PolicyName, ...ops: Op[]): { a: Side; b: Side } {
  const a = new Side('A', policy);
  const b = new Side('B', policy);
  a.learn(...ops);
  b.learn(...ops);
  expect(a.held).toBe(b.held);
  return { a, b };
}

/** Both ask at the same time, then one after the other if that was not enough. */
function expectEqualAfterRepair(a: Side, b: Side, live: string): void {
  bothAsk(a, b);
  if (a.live !== b.live) bothAsk(a, b);
  expect(a.live).toBe(live);
  expect(b.live).toBe(live);
  expect(a.bucket.fingerprint.toText()).toBe(b.bucket.fingerprint.toText());
  for (const side of [a, b]) {
    expect(side.isHashRight).toBe(true);
    expect(side.asker.occupancy(side.bucket)).toBeUndefined();
    expect(side.reports.every(({ outcome }) => outcome === 'done')).toBe(true);
  }
}

/** For each policy two writes of `k`, of which the second supersedes the first. */
const SUPERSEDING: Record<string, { policy: PolicyName; loser: Op; winner: Op }> = {
  lww: { policy: 'lww', loser: op('x', 1, 1, 'k'), winner: op('y', 1, 2, 'k') },
  fww: { policy: 'fww', loser: op('x', 1, 2, 'k'), winner: op('y', 1, 1, 'k') },
  siblings: { policy: 'siblings', loser: op('x', 1, 1, 'k'), winner: seen('x:1-1', op('y', 1, 2, 'k')) },
  counter: {
    policy: 'counter',
    loser: total(op('x', 1, 1, 'k'), 1),
    winner: total(op('x', 2, 2, 'k'), 2),
  },
};

describe.each(Object.values(SUPERSEDING))('a divergence of $policy', ({ policy, loser, winner }) => {
  const text = ({ origin, seq }: Op): string => `k=${origin[0] ?? ''}${seq}`;
  const other = policy === 'counter' ? total(op('z', 1, 9, 'm'), 5) : op('z', 1, 9, 'm');

  test('an entry that one side has lost goes on the other side as well', () => {
    const { a, b } = pair(policy, loser, winner, other);
    a.lose('m', 'z1');
    expectEqualAfterRepair(a, b, text(winner));
    expect([a.last.dropped, b.last.dropped]).toEqual([0, 1]);
  });

  test('an entry that should have been superseded gives way to what supersedes it', () => {
    const { a, b } = pair(policy, loser, winner, other);
    a.force('k', loser);
    expectEqualAfterRepair(a, b, `${text(winner)} m=z1`);
    expect(a.last.repaired).toBe(1);
    expect(a.last.examples[0]).toMatchObject({ key: 'k', seq: loser.seq, kind: 'superseded' });
  });

  test('it does so whichever side asks first, and alone', () => {
    const { a, b } = pair(policy, loser, winner, other);
    a.force('k', loser);
    a.start('repair');
    talk(a, b);
    expect(a.live).toBe(`${text(winner)} m=z1`);
    expect(b.live).toBe(a.live);
  });

  test('one dot with two contents ends with the greater one on both sides', () => {
    const { a, b } = pair(policy, loser, winner, other);
    const twin = policy === 'counter' ? total(other, 6) : op('z', 1, 9, 'm', 'other');
    b.force('m', twin);
    expectEqualAfterRepair(a, b, `${text(winner)} m=z1`);
    const greater = [sealEntry(other), sealEntry(twin)].sort(compareEntries)[1];
    for (const side of [a, b]) expect(side.storage.get(side.bucket.name, 'm')).toEqual([greater]);
    expect([...a.notes, ...b.notes]).toContain('dot-used-twice');
  });

  test('one dot under two keys ends under one', () => {
    const { a, b } = pair(policy, loser, winner, other);
    b.lose('m', 'z1');
    const twin = { ...other, key: 'n' };
    b.force('n', twin);
    const [, greater] = [sealEntry(other), sealEntry(twin)].sort(compareEntries);
    expectEqualAfterRepair(a, b, `${text(winner)} ${greater?.key ?? ''}=z1`);
  });

  test('two sides that each miss something else end with what both have', () => {
    const { a, b } = pair(policy, loser, winner, other);
    a.lose('m', 'z1');
    b.lose('k', `${winner.origin[0] ?? ''}${winner.seq}`);
    expectEqualAfterRepair(a, b, '');
  });
});

describe('siblings', () => {
  const first = op('x', 1, 1, 'k');
  const second = op('y', 1, 2, 'k');
  const both = seen('x:1-1 y:1-1', op('z', 1, 3, 'k'));

  test('an entry that stands beside what supersedes it goes', () => {
    const { a, b } = pair('siblings', first, second, both);
    a.force('k', first, both);
    expectEqualAfterRepair(a, b, 'k=z1');
  });

  test('concurrent ones that one side has lost go one by one', () => {
    const { a, b } = pair('siblings', first, second);
    a.lose('k', 'x1');
    expectEqualAfterRepair(a, b, 'k=y1');
  });

  test('a tombstone that one side has lost takes what it had seen with it', () => {
    const gone = seen('x:1-1', op('z', 1, 3, 'k', null));
    const { a, b } = pair('siblings', first, second, gone);
    a.force('k', first, second);
    expectEqualAfterRepair(a, b, 'k=y1');
    expect(a.held).toBe('k=y1+-z1');
  });

  test('one whose history its rival knows only in part goes as well, as it does not stand there', () => {
    // z has seen x, and not w, which x had seen: for the policy both stand. b holds only one of them.
    const early = seen('w:1-1', first);
    const later = seen('x:1-1', op('z', 1, 3, 'k'));
    const { a, b } = pair('siblings', early, later);
    expect(a.live).toBe('k=x1+z1');
    b.lose('k', 'x1');
    expectEqualAfterRepair(a, b, 'k=z1');
  });
});

test('a value is not dropped for being newer than what a side holds that has missed it', () => {
  const { a, b } = pair('lww', op('x', 1, 1, 'k'), op('y', 1, 2, 'k'));
  a.force('k', op('x', 1, 1, 'k'));
  // Only b asks: a has nothing better, and has never dropped a tombstone that may have been newer.
  b.start('repair');
  talk(a, b);
  expect([a.live, b.live]).toEqual(['k=x1', 'k=y1']);
  a.start('repair');
  talk(a, b);
  expect([a.live, b.live]).toEqual(['k=y1', 'k=y1']);
});

test('verify reports and changes nothing', () => {
  const ops = [op('x', 1, 1, 'k'), op('y', 1, 2, 'k'), op('z', 1, 3, 'l'), op('z', 2, 4, 'm')];
  const { a, b } = pair('lww', ...ops);
  a.force('k', op('x', 1, 1, 'k'));
  b.lose('l', 'z1');
  b.force('m', op('z', 2, 4, 'm', 'other'));
  const before = [a.held, b.held];
  bothAsk(a, b, 'verify');
  expect([a.held, b.held]).toEqual(before);
  expect(a.last).toMatchObject({ mode: 'verify', outcome: 'done', dropped: 0, repaired: 0, unsettled: 0 });
  expect(namedBy(a)).toEqual(['k x1 superseded', 'k y1 missing', 'l z1 absent', 'm z2 content']);
  // That y is not held by the other side is its own affair: it has no better one.
  expect(namedBy(b)).toEqual(['k x1 missing', 'l z1 missing', 'm z2 content']);
  expect([a.last.differences, b.last.differences]).toEqual([4, 3]);
});

/** The differences that a side has found. */
const namedBy = ({ last }: Side): string[] =>
  last.examples.map(({ key, origin, seq, kind }) => `${key} ${origin[0] ?? ''}${seq} ${kind}`).sort();

describe('verify finds what only the other side holds', () => {
  test('in a block in which nothing stands here', () => {
    const { a, b } = pair('lww', op('x', 1, 1, 'k'), op('x', 200_000, 2, 'l'), op('y', 70_000, 3, 'm'));
    a.lose('l', 'x200000');
    a.lose('m', 'y70000');
    bothAsk(a, b, 'verify');
    expect(namedBy(a)).toEqual(['l x200000 missing', 'm y70000 missing']);
    expect(namedBy(b)).toEqual(['l x200000 absent', 'm y70000 absent']);
  });

  test('where nothing stands here at all', () => {
    const { a, b } = pair('siblings', op('x', 1, 1, 'k'), op('y', 1, 2, 'k'));
    a.force('k');
    bothAsk(a, b, 'verify');
    expect(namedBy(a)).toEqual(['k x1 missing', 'k y1 missing']);
  });

  test('however many there are, some of them named', () => {
    const ops = Array.from({ length: 3000 }, (_, i) => op('x', i + 1, i, `k${i}`));
    const { a, b } = pair('lww', ...ops);
    for (const { key, seq } of ops.slice(0, 2500)) a.lose(key, `x${seq}`);
    a.start('verify');
    talk(a, b);
    expect(a.last).toMatchObject({ outcome: 'done', differences: 2500 });
    expect(a.last.examples).toHaveLength(100);
  });
});

describe('verify takes no write that is on its way for a difference', () => {
  test.each<[string, PolicyName, Op, Op]>([
    ['a later value', 'lww', op('x', 1, 1, 'k'), op('y', 1, 2, 'k')],
    ['an earlier value', 'fww', op('x', 1, 2, 'k'), op('y', 1, 1, 'k')],
    ['a delete', 'lww', op('x', 1, 1, 'k'), op('y', 1, 2, 'k', null)],
    ['a resolution', 'siblings', op('x', 1, 1, 'k'), seen('x:1-1', op('y', 1, 2, 'k'))],
    ['a further total', 'counter', total(op('x', 1, 1, 'k'), 1), total(op('x', 2, 2, 'k'), 2)],
  ])('%s', (_name, policy, before, after) => {
    const { a, b } = pair(policy, before);
    b.learn(after);
    bothAsk(a, b, 'verify');
    expect([namedBy(a), namedBy(b)]).toEqual([[], []]);
    expect([a.last.unsettled, b.last.unsettled]).toEqual([1, 1]);
    expect(a.last.lag).toEqual({ behind: 1, ahead: 0 });
    expect(b.last.lag).toEqual({ behind: 0, ahead: 1 });
  });

  test('nor a delete that is forgotten already', () => {
    const { a, b } = pair('lww', op('x', 1, 1, 'k'));
    b.learn(op('y', 1, 2, 'k', null));
    b.bury('k');
    bothAsk(a, b, 'verify');
    expect([namedBy(a), namedBy(b)]).toEqual([[], []]);
    expect([a.last.unsettled, b.last.unsettled]).toEqual([1, 1]);
  });

  test('a value that nobody has seen yet is no difference at all', () => {
    const { a, b } = pair('lww', op('x', 1, 1, 'k'));
    b.learn(op('y', 1, 2, 'l'));
    bothAsk(a, b, 'verify');
    expect([a.last, b.last]).toMatchObject([
      { differences: 0, unsettled: 0, lag: { behind: 1 } },
      { differences: 0, unsettled: 0, lag: { ahead: 1 } },
    ]);
  });
});
