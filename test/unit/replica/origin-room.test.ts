import { describe, expect, test } from '@jest/globals';
import type { LinkId, OriginId } from '../../../src/base/ids.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { MAX_ORIGINS } from '../../../src/protocol/limits.js';
import type { Bucket } from '../../../src/replica/bucket.js';
import { checkCompact } from '../../../src/replica/compactness.js';
import { BUCKET, chunk, EPOCH, op, origin, Subject, vector } from './builders.js';
import { Side, talk } from './reconcile/sides.js';

/** Origins that are taken from others. */
const MOST = MAX_ORIGINS - 1024;
const numbered = (i: number): OriginId => String(i).padStart(21, '0') as OriginId;

/** Fills the bucket up with origins, but for so many. */
function fill(bucket: Bucket, room = 0): void {
  for (let i = 0; bucket.vector.size < MOST - room; i++) bucket.vector.add(numbered(i), 1, 1);
}

/** A replica that covers b1 and has room for so many origins, and a neighbour. */
function crowded(room = 0): { subject: Subject; link: LinkId } {
  const subject = new Subject();
  const link = subject.meet('A');
  subject.learn(link, op('b', 1, 1, 'b'));
  fill(subject.bucket, room);
  return { subject, link };
}

const covers = ({ bucket }: Subject, o: string): number[] => [...bucket.vector.get(origin(o))];
const told = ({ notes }: Subject): number => notes.filter((event) => event === 'too-many-origins').length;

/** What the neighbour is asked when it says that it has this. */
function ask(subject: Subject, link: LinkId, covered: string): number | undefined {
  subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector(covered)]] });
  subject.pass(100);
  return subject.sent('deltaRequest', link)[0]?.request;
}

describe('where there is no room for more origins', () => {
  test('a push of a new one is left aside, and people are told now and then; the link stays', () => {
    const { subject, link } = crowded();
    subject.learn(link, op('x', 1, 1, 'x'), op('y', 1, 1, 'y'), op('b', 2, 2, 'b2'));
    expect(subject.data).toEqual({ b: 'b', b2: 'b2' });
    expect([covers(subject, 'x'), covers(subject, 'b')]).toEqual([[], [1, 2]]);
    expect([subject.closes, told(subject)]).toEqual([[], 1]);
    subject.now += 60_000;
    subject.learn(link, op('y', 1, 1, 'y'));
    expect(told(subject)).toBe(2);
  });

  test('up to there all is taken', () => {
    const { subject, link } = crowded(1);
    subject.learn(link, op('x', 1, 1, 'x'), op('y', 1, 1, 'y'));
    expect(subject.data).toEqual({ b: 'b', x: 'x' });
  });

  test('nothing is asked for that would only be left aside', () => {
    const { subject, link } = crowded();
    expect(ask(subject, link, 'x:1-9')).toBeUndefined();
  });

  test('what is left aside of a delta may supersede what is claimed: that is not covered', () => {
    const { subject, link } = crowded();
    const request = ask(subject, link, 'b:1-5 x:1-1') ?? 0;
    const [kept, aside] = [op('b', 3, 3, 'b3'), op('x', 1, 9, 'x')];
    subject.say(link, chunk({ request, entries: [kept, aside], claims: vector('b:2-5 x:1-1'), last: true }));
    expect(subject.data).toEqual({ b: 'b', b3: 'b3' });
    expect([covers(subject, 'x'), covers(subject, 'b')]).toEqual([[], [1, 1, 3, 3]]);
    expect([subject.closes, told(subject)]).toEqual([[], 1]);
    // Not again and again, but it may come as something that stands.
    expect(subject.bucket.held.get(link)?.until).toBeGreaterThan(EPOCH + 60_000);
    subject.pass(2_000);
    expect(subject.sent('deltaRequest')).toEqual([]);
  });

  test('claims of new origins alone are left aside, others taken', () => {
    const { subject, link } = crowded();
    const request = ask(subject, link, 'b:1-5 x:1-1') ?? 0;
    subject.say(
      link,
      chunk({ request, entries: [op('b', 5, 5, 'b')], claims: vector('b:2-5 x:1-1'), last: true }),
    );
    expect([covers(subject, 'x'), covers(subject, 'b')]).toEqual([[], [1, 5]]);
    const [found] = subject.replica.core.links.values();
    expect(found && subject.bucket.setbacks.rank(found, subject.now)).toBe(0);
  });

  test.each([
    [0, 'k=x1', 1],
    [1, 'k=y1', 0],
  ])('what a session brings waits (room for %i)', (room, live, deferred) => {
    const [a, b] = [new Side('A'), new Side('B')];
    a.learn(op('x', 1, 1, 'k'));
    b.learn(op('x', 1, 1, 'k'), op('y', 1, 2, 'k'));
    fill(a.bucket, room);
    a.start('shed');
    talk(a, b);
    expect(a.live).toBe(live);
    expect(a.last.deferred).toBe(deferred);
  });

  test('a floor is taken as far as there is room', () => {
    const [a, b] = [new Side('A'), new Side('B')];
    b.cover(vector('x:1-1 y:1-1'));
    b.turn((turn) => turn.raiseFloor(b.bucket, vector('x:1-1 y:1-1')));
    for (let i = 0; a.bucket.floor.size < MOST - 1; i++) a.bucket.floor.add(numbered(i), 1, 1);
    a.start('shed');
    talk(a, b);
    expect(a.last.outcome).toBe('done');
    expect(['x', 'y'].map((o) => a.bucket.floor.get(origin(o)).length)).toEqual([2, 0]);
  });
});

test('a message that claims more origins by itself than there may be is malformed', () => {
  const many = new VersionVector();
  for (let i = 0; i < MAX_ORIGINS; i++) many.add(numbered(i), 1, 1);
  expect(() => checkCompact(vector('x:1-1'), many)).not.toThrow();
  many.add(origin('x'), 1, 1);
  expect(() => checkCompact(new VersionVector(), many)).toThrow('claims of too many origins');
});
