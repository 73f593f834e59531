import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../../src/base/ids.js';
import { VersionVector } from '../../../../src/data/version-vector.js';
import type { Graft, Have } from '../../../../src/protocol/messages.js';
import { BUCKET, op, origin, push, shown, Subject, vector } from '../builders.js';

const have = (rows: string, onRequest = false): Have => ({
  type: 'have',
  buckets: [[BUCKET, vector(rows)]],
  onRequest,
});

/** A replica with three neighbours, whose round trips are known: A is the nearest, C the farthest. */
function hub(): { subject: Subject; a: LinkId; b: LinkId; c: LinkId } {
  const subject = new Subject({
    antiEntropyMs: [3_600_000, 3_600_000],
    pingMs: 3_600_000,
    pingTimeoutMs: 3_600_000,
  });
  const [a, b, c] = [subject.meet('A'), subject.meet('B'), subject.meet('C')] as const;
  for (const [link, rtt] of [
    [a, 1],
    [b, 5],
    [c, 20],
  ] as const) {
    Object.assign(subject.replica.core.links.get(link) as object, { rttMs: rtt });
  }
  subject.pass(500);
  // A write of it is known: it is no made-up origin.
  subject.bucket.vector.add(origin('a'), 9999, 9999);
  subject.clear();
  return { subject, a, b, c };
}

const asked = (grafts: readonly Graft[]): string[] =>
  grafts.flatMap(({ buckets }) => buckets.map(([, rows]: readonly [string, VersionVector]) => shown(rows)));

describe('what was announced', () => {
  test('and comes in time is not asked for', () => {
    const { subject, a, b } = hub();
    subject.say(b, have('a:1-1'));
    subject.pass(100);
    subject.say(a, push(op('a', 1, 1, 'x')));
    subject.pass(1000);
    expect(subject.sent('graft')).toEqual([]);
  });

  test('and does not come is asked for where it is nearest, all origins in one message', () => {
    const { subject, a, b, c } = hub();
    subject.say(c, have('a:1-3 b:7-7'));
    subject.say(b, have('a:2-3'));
    subject.say(a, have('b:7-7'));
    subject.pass(250);
    expect(asked(subject.sent('graft', b))).toEqual(['a:2-3']);
    expect(asked(subject.sent('graft', a))).toEqual(['b:7-7']);
    expect(subject.sent('graft')).toEqual([]);
  });

  test('is asked for of somebody else when nobody answers, and in the end left to anti-entropy', () => {
    const { subject, a, b } = hub();
    for (const link of [a, b]) subject.say(link, have('a:1-1'));
    const order: LinkId[] = [];
    for (let i = 0; i < 40; i++) {
      subject.pass(100);
      for (const link of [a, b]) if (subject.sent('graft', link).length > 0) order.push(link);
    }
    expect(order).toEqual([a, b, a, b]);
    subject.say(a, have('a:1-1'));
    subject.pass(5000);
    expect(subject.sent('graft')).toEqual([]);
    // What is new is asked for all the same, of who answers.
    subject.say(a, have('a:2-2'));
    subject.pass(300);
    expect(asked(subject.sent('graft'))).toEqual(['a:2-2']);
  });

  test('makes the link eager for us too', () => {
    const { subject, a, b } = hub();
    subject.say(b, { type: 'prune', origins: [origin('a')] });
    subject.say(b, have('a:1-1'));
    subject.pass(250);
    subject.clear();
    subject.say(a, push(op('a', 2, 2, 'y')));
    expect(subject.sent('push', b)).toHaveLength(1);
  });

  test('and is large is asked for at once, of one neighbour only, and the link stays as it is', () => {
    const { subject, a, b } = hub();
    for (const link of [b, a]) subject.say(link, have('a:1-1', true));
    subject.pass(4000);
    expect(subject.sent('graft')).toMatchObject([{ eager: false }]);
    subject.pass(3000);
    expect(subject.sent('graft')).toHaveLength(1);
  });

  test('before it came three times in a row is asked for at once: there is a shorter way', () => {
    const { subject, a, b } = hub();
    for (let seq = 1; seq <= 3; seq++) {
      subject.say(b, have(`a:${seq}-${seq}`));
      subject.pass(20);
      subject.say(a, push(op('a', seq, seq, 'x')));
    }
    subject.clear();
    subject.say(b, have('a:4-4'));
    subject.pass(1);
    expect(asked(subject.sent('graft', b))).toEqual(['a:4-4']);
    subject.say(b, have('a:5-5'));
    subject.pass(1);
    expect(subject.sent('graft')).toEqual([]);
  });

  test('and is large is asked for every few seconds, never so that the link carries more, also beside what is small', () => {
    const { subject, a, b, c } = hub();
    for (const link of [a, b, c]) subject.say(link, have('a:1-1', true));
    subject.say(b, have('a:1-2'));
    const asking: string[] = [];
    for (let i = 0; i < 160; i++) {
      subject.pass(100);
      for (const { buckets, eager } of subject.sent('graft'))
        asking.push(...buckets.map(([, rows]) => `${Math.floor(i / 10)} ${shown(rows)} ${eager}`));
    }
    // What b announced it has besides: the large one it has too, and is asked for it no more than that.
    expect(asking.filter((line) => line.includes('false'))).toEqual([
      '0 a:1-1 false',
      '5 a:1-1 false',
      '10 a:1-1 false',
    ]);
  });

  test('by one neighbour without end keeps nothing of another one from being asked for', () => {
    const { subject, a, b } = hub();
    const letters = 'bcdefghijklmnopqrstuvwxyz'.split('');
    for (let round = 0; round < 200; round++) {
      const rows = letters.map((letter, i) => [
        `${letter}${letters[round % 25] ?? ''}${i}`.padEnd(21, `${round}`),
        [1, 1],
      ]);
      subject.say(a, {
        type: 'have',
        buckets: [[BUCKET, new VersionVector(rows as never)]],
        onRequest: false,
      });
    }
    subject.clear();
    subject.say(b, have('a:1-1', true));
    subject.pass(1);
    expect(asked(subject.sent('graft', b))).toEqual(['a:1-1']);
  });

  test('with ever more gaps is kept up to a bound only, and asked for by nobody', () => {
    const { subject, a } = hub();
    const told = (from: number, count: number): Have => {
      const odd = Array.from({ length: count }, (_, i) => [from + 2 * i, from + 2 * i]).flat();
      return { type: 'have', buckets: [[BUCKET, new VersionVector([[origin('a'), odd]])]], onRequest: false };
    };
    const known = (): number => subject.replica.core.links.get(a)?.vectors.get(BUCKET)?.intervalCount() ?? 0;
    for (let i = 0; i < 20; i++) {
      subject.say(a, told(10_000 * i + 1, 2_000));
      subject.pass(200);
      expect(known()).toBeLessThan(20_000);
    }
    expect([subject.sent('graft'), subject.closes]).toEqual([[], []]);
    for (let i = 0; i < 5; i++) subject.say(a, told(1, 20_000));
    expect(subject.sent('goodbye')).toMatchObject([{ reason: 'repeated abuse: endless announcements' }]);
  });

  test.each([false, true])(
    'by one that never sends it is got from the next one that tells of it: large %s',
    (isLarge) => {
      const { subject, a, b } = hub();
      subject.say(a, have('a:1-200', isLarge));
      subject.pass(1_100);
      subject.clear();
      subject.say(b, have('a:7-7', isLarge));
      subject.pass(200);
      expect(asked(subject.sent('graft', b))).toEqual(['a:7-7']);
    },
  );

  test('in vain, or is too much, is asked for of others who tell of it', () => {
    const { subject, a, b } = hub();
    subject.say(a, have('a:1-200 b:1-5000'));
    subject.pass(5_000);
    subject.say(a, have('a:1-200 b:1-5000'));
    subject.pass(500);
    subject.clear();
    subject.say(b, have('a:7-7 b:8-8'));
    subject.pass(200);
    expect(asked(subject.sent('graft'))).toEqual(['a:7-7 b:8-8']);
  });

  test('and is large is asked for while something else of its origin is under way', () => {
    const { subject, a } = hub();
    subject.say(a, have('a:1-1', true));
    subject.pass(0);
    subject.say(a, have('a:2-2', true));
    subject.pass(0);
    expect(asked(subject.sent('graft', a))).toEqual(['a:1-1', 'a:2-2']);
  });

  test('and is very much is left to a delta', () => {
    const { subject, b } = hub();
    subject.say(b, have('a:1-1000'));
    subject.pass(300);
    expect(subject.sent('graft')).toEqual([]);
    expect(subject.sent('deltaRequest', b)).toHaveLength(1);
  });

  test('without end ends the link', () => {
    const { subject, a } = hub();
    const rows = Array.from({ length: 2000 }, (_, i) => 2 * i + 1);
    const endless: Have = { type: 'have', buckets: [[BUCKET, vector('')]], onRequest: false };
    endless.buckets[0]?.[1].addAll(
      origin('z'),
      rows.flatMap((n) => [n, n]),
    );
    for (let i = 0; i < 200; i++) subject.say(a, endless);
    expect(subject.closes).toEqual([a]);
    expect(subject.notes).toContain('link-refused');
  });
});

describe('a push that leaves a gap', () => {
  test('is a sign that what came before it is lost: its sender is asked', () => {
    const { subject, a } = hub();
    subject.say(a, push(op('a', 1, 1, 'x')), push(op('a', 4, 4, 'y')));
    subject.pass(250);
    expect(subject.sent('graft', a)).toMatchObject([{ eager: false }]);
  });

  test('that nothing stands of any more is not asked for of everybody', () => {
    const { subject, a, b, c } = hub();
    for (const link of [b, c]) {
      subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-4')]] });
      subject.say(link, { type: 'prune', origins: [origin('a')] });
    }
    subject.say(a, push(op('a', 1, 1, 'x')), push(op('a', 4, 4, 'y')));
    subject.pass(3000);
    expect([subject.sent('graft', b), subject.sent('graft', c)]).toEqual([[], []]);
    expect(subject.sent('graft', a)).toHaveLength(2);
  });

  test('of very much is not: we have just come', () => {
    const { subject, a } = hub();
    subject.say(a, push(op('a', 400, 4, 'y')));
    subject.pass(1000);
    expect(subject.sent('graft')).toEqual([]);
  });
});
