import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../../src/base/ids.js';
import { EAGER_VALUE_BYTES } from '../../../../src/protocol/limits.js';
import type { Have } from '../../../../src/protocol/messages.js';
import { BUCKET, op, origin, push, shown, Subject, vector } from '../builders.js';

/** A replica with three neighbours, over whose links nothing of origin `a` is pushed but to A. */
function pruned(): { subject: Subject; a: LinkId; b: LinkId; c: LinkId } {
  const subject = new Subject();
  const [a, b, c] = [subject.meet('A'), subject.meet('B'), subject.meet('C')] as const;
  subject.bucket.vector.add(origin('a'), 99, 99);
  for (const link of [b, c]) subject.say(link, { type: 'prune', origins: [origin('a')] });
  subject.pass(60);
  subject.clear();
  return { subject, a, b, c };
}

const told = (haves: readonly Have[]): string[] =>
  haves.flatMap(({ buckets }) => buckets.map(([, rows]) => shown(rows)));

describe('what is not pushed', () => {
  test('is announced a little later, many writes in one message, to those who are not known to have it', () => {
    const { subject, a, b, c } = pruned();
    for (let seq = 1; seq <= 5; seq++) subject.say(a, push(op('a', seq, seq, `k${seq}`)));
    subject.say(c, { type: 'have', buckets: [[BUCKET, vector('a:1-3')]], onRequest: false });
    expect([subject.sent('push'), subject.sent('have')]).toEqual([[], []]);
    subject.pass(100);
    expect(told(subject.sent('have', b))).toEqual(['a:1-5']);
    expect(told(subject.sent('have', c))).toEqual(['a:4-5']);
    expect(subject.sent('have', a)).toEqual([]);
  });

  test('is announced to the next few by id where there are many links, so that each peer of a mesh hears of it as often', () => {
    const subject = new Subject({ degree: 4, links: 8 });
    const links = new Map('A B C D N O P'.split(' ').map((letter) => [letter, subject.meet(letter)]));
    subject.bucket.vector.add(origin('x'), 99, 99);
    for (const link of links.values()) subject.say(link, { type: 'prune', origins: [origin('x')] });
    subject.pass(60);
    subject.clear();
    subject.say(links.get('D') as LinkId, push(op('x', 1, 1, 'k')));
    subject.pass(100);
    const heard = [...links].filter(([, link]) => subject.sent('have', link).length > 0);
    expect(heard.map(([letter]) => letter).join('')).toBe('ANOP');
  });

  test('is announced once', () => {
    const { subject, a, b } = pruned();
    subject.say(a, push(op('a', 1, 1, 'x')));
    subject.pass(1000);
    expect(subject.sent('have', b)).toHaveLength(1);
  });

  test('because it is large is offered at once, and on its way nobody is pushed anything', () => {
    const subject = new Subject();
    const [a, b] = [subject.meet('A'), subject.meet('B')] as const;
    subject.clear();
    subject.write(['large', 'x'.repeat(EAGER_VALUE_BYTES)], ['small', 'x']);
    for (const link of [a, b]) {
      expect(subject.sent('have', link)).toMatchObject([{ onRequest: true }]);
      expect(subject.sent('push', link)).toMatchObject([{ lo: 2, hi: 2 }]);
    }
  });
});

test('what is large is offered once to each, also to those over whose links nothing is pushed', () => {
  const { subject, a, b, c } = pruned();
  subject.say(c, { type: 'graft', buckets: [], eager: true });
  subject.say(a, push(op('a', 1, 1, 'x', 'x'.repeat(EAGER_VALUE_BYTES))));
  subject.write(['large', 'x'.repeat(EAGER_VALUE_BYTES)]);
  subject.pass(1000);
  const flags = (link: LinkId): string[] =>
    subject
      .sent('have', link)
      .flatMap(({ buckets, onRequest }) => buckets.map(([, rows]) => `${shown(rows)} ${onRequest}`));
  expect(flags(a)).toEqual(['m:1-1 true']);
  for (const link of [b, c]) expect(flags(link)).toEqual(['m:1-1 true', 'a:1-1 true']);
});

test('one write that comes again is known to be there: it is not announced to who sent it', () => {
  const { subject, a, b, c } = pruned();
  const message = push(op('x', 1, 1, 'x'));
  subject.bucket.vector.add(origin('x'), 99, 99);
  for (const link of [b, c]) subject.say(link, { type: 'prune', origins: [op('x', 1, 1, 'x').origin] });
  subject.say(a, message);
  subject.say(b, message);
  subject.pass(200);
  expect(subject.sent('have', b)).toEqual([]);
});

describe('duplicates', () => {
  test('make the link leave the tree, once for many origins, and the other side is told with the announcements', () => {
    const subject = new Subject();
    const [a, b, c] = [subject.meet('A'), subject.meet('B'), subject.meet('C')] as const;
    subject.pass(60);
    subject.clear();
    for (const letter of ['x', 'y']) {
      for (const seq of [1, 2]) {
        const message = push(op(letter, seq, seq, 'k'));
        for (const link of [a, b]) subject.say(link, message);
      }
    }
    expect(subject.sent('prune')).toEqual([]);
    subject.pass(100);
    expect(subject.sent('prune', b)).toEqual([{ type: 'prune', origins: [origin('x'), origin('y')] }]);
    expect(subject.sent('prune')).toEqual([]);
    subject.clear();
    subject.say(a, push(op('x', 3, 3, 'k')));
    expect(subject.sent('push', b)).toEqual([]);
    expect(subject.sent('push', c)).toHaveLength(1);
    const { prunesSent, pushesDuplicate } = subject.replica.core.counters;
    expect([prunesSent, pushesDuplicate]).toEqual([1, 4]);
  });
});
