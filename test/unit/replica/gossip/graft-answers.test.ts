import { describe, expect, test } from '@jest/globals';
import type { LinkId, OriginId } from '../../../../src/base/ids.js';
import { encodeMessage, unpackOps } from '../../../../src/protocol/codec.js';
import { PUSH_WINDOW_BYTES } from '../../../../src/protocol/limits.js';
import type { Graft } from '../../../../src/protocol/messages.js';
import { BUCKET, dotsOf, op, origin, Subject, vector } from '../builders.js';

const graft = (rows: string, eager = true): Graft => ({
  type: 'graft',
  buckets: [[BUCKET, vector(rows)]],
  eager,
});

/** A replica that holds five writes, three of which stand, and a neighbour that has not got them. */
function subjectWith5(): { subject: Subject; a: LinkId; b: LinkId } {
  const subject = new Subject();
  const [a, b] = [subject.meet('A'), subject.meet('B')] as const;
  subject.learn(a, op('a', 1, 1, 'x', 'old'), op('a', 2, 2, 'y'), op('a', 3, 3, 'x'), op('a', 4, 4, 'z'));
  subject.learn(a, op('b', 1, 5, 'z', 'newer'));
  subject.pass(200);
  subject.clear();
  return { subject, a, b };
}

describe('a graft', () => {
  test('is answered by what still stands of it, each origin in a push', () => {
    const { subject, b } = subjectWith5();
    subject.say(b, graft('a:1-9 b:1-1'));
    subject.pass(1);
    const pushes = subject.sent('push', b);
    expect(pushes.map(({ origin, body }) => dotsOf(unpackOps(origin, body)))).toEqual(['a2 a3', 'b1']);
    expect(pushes.map(({ hops }) => hops)).toEqual([0, 0]);
    subject.pass(500);
    expect(subject.sent('push')).toEqual([]);
  });

  test('of what is not here, or does not stand, is not answered', () => {
    const { subject, b } = subjectWith5();
    subject.say(b, graft('a:1-1 c:1-5'));
    subject.pass(500);
    expect(subject.sent('push')).toEqual([]);
  });

  test('brings the link back into the tree, if it asks for that', () => {
    for (const [eager, pushes] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const { subject, a, b } = subjectWith5();
      subject.say(b, { type: 'prune', origins: [origin('a')] });
      subject.say(b, graft('a:2-2', eager));
      subject.pass(1);
      subject.clear();
      subject.learn(a, op('a', 5, 5, 'w'));
      expect(subject.sent('push', b)).toHaveLength(pushes);
    }
  });

  test('of more than may be asked for is malformed', () => {
    const { subject, b } = subjectWith5();
    subject.say(b, graft('a:1-257'));
    expect(subject.closes).toEqual([b]);
  });

  test('of much is answered frame by frame, and not beyond what the other side takes', () => {
    const subject = new Subject();
    const [a, b] = [subject.meet('A'), subject.meet('B')] as const;
    const value = 'v'.repeat(60_000);
    subject.bucket.vector.add(origin('a'), 9999, 9999);
    subject.say(b, { type: 'prune', origins: [origin('a')] });
    for (let seq = 1; seq <= 200; seq++) subject.learn(a, op('a', seq, seq, `k${seq}`, value));
    subject.pass(200);
    subject.clear();
    subject.say(b, graft('a:1-200'));
    subject.pass(1);
    const bytes = subject.sent('push', b).reduce((sum, one) => sum + encodeMessage(one).length, 0);
    expect(bytes).toBeGreaterThan(PUSH_WINDOW_BYTES / 2);
    expect(bytes).toBeLessThan(PUSH_WINDOW_BYTES + 100_000);
  });

  test('and another, sent at once, get no more than is allowed for', () => {
    const subject = new Subject();
    const [a, b] = [subject.meet('A'), subject.meet('B')] as const;
    const value = 'v'.repeat(60_000);
    subject.bucket.vector.add(origin('a'), 9999, 9999);
    subject.say(b, { type: 'prune', origins: [origin('a')] });
    for (let seq = 1; seq <= 100; seq++) subject.learn(a, op('a', seq, seq, `k${seq}`, value));
    subject.pass(200);
    const before = subject.replica.core.counters.bytesSent;
    const { flow } = subject.replica.core.links.get(b) as { flow: { sent: number } };
    for (let i = 0; i < 10; i++) {
      subject.say(b, graft('a:1-100', false), { type: 'ack', bytes: flow.sent });
      for (let n = 0; n < 100; n++) {
        subject.take({ kind: 'wake' });
        subject.say(b, { type: 'ack', bytes: flow.sent });
      }
    }
    expect(subject.replica.core.counters.bytesSent - before).toBeLessThan(5 * 2 ** 20);
  });

  test('without end is not answered in the end, and ends the link', () => {
    const { subject, b } = subjectWith5();
    const before = subject.replica.core.counters.bytesSent;
    const scattered = Array.from({ length: 128 }, (_, i) => `${2 * i + 1}-${2 * i + 1}`).join(',');
    const dear = graft(
      'abcdefgh'
        .split('')
        .map((letter) => `${letter}:${scattered}`)
        .join(' '),
      false,
    );
    for (let i = 0; i < 500 && subject.closes.length === 0; i++) subject.say(b, dear);
    expect(subject.closes).toEqual([b]);
    expect(subject.replica.core.counters.bytesSent - before).toBeLessThan(100_000);
  });
});

test('a prune of origins that nobody has ever heard of changes nothing', () => {
  const { subject, a, b } = subjectWith5();
  subject.say(b, { type: 'prune', origins: [origin('a')] });
  const madeUp = Array.from({ length: 9000 }, (_, i) => `${i}`.padStart(21, 'x') as OriginId);
  subject.say(b, { type: 'prune', origins: madeUp });
  subject.clear();
  subject.learn(a, op('a', 5, 5, 'w'));
  expect(subject.sent('push', b)).toEqual([]);
});
