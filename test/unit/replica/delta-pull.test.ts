import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import { stampAt } from '../../../src/data/stamp.js';
import type { Link } from '../../../src/protocol/link.js';
import type { Chunk, DeltaRequest } from '../../../src/protocol/messages.js';
import { lacking } from '../../../src/replica/pull-choice.js';
import { BUCKET, chunk, digestOf, EPOCH, op, peerId, push, shown, Subject, vector } from './builders.js';

/** A replica that has asked a neighbour, which covers this, for a delta. */
function pulling(covered: string): { subject: Subject; link: LinkId; request: number } {
  const subject = new Subject();
  const link = subject.meet('A', {
    direction: 'out',
    url: 'http://a:1',
    hello: { buckets: [digestOf(covered)] },
  });
  const asked = ask(subject, link, covered);
  return { subject, link, request: asked };
}

function ask(
  subject: Subject,
  link: LinkId,
  covered: string,
  check: (request: DeltaRequest) => void = () => undefined,
): number {
  subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector(covered)]] });
  subject.pass(100);
  const [request] = subject.sent('deltaRequest', link);
  if (!request) throw new Error('nothing was asked for');
  check(request);
  return request.request;
}

describe('a delta that comes in', () => {
  test('is asked for with our vector, an empty floor and our horizon', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.learn(link, op('b', 2, 5, 'k'));
    subject.skew = 7;
    ask(subject, link, 'a:1-3 b:2-2', (request) => {
      expect(shown(request.vector)).toBe('b:2-2');
      expect(request.floor.size).toBe(0);
      expect(request.horizon).toBe(EPOCH + 7 + 60_000);
    });
  });

  test('covers what its chunks claim, in one batch with the entries', () => {
    const { subject, link, request } = pulling('a:1-3 b:1-1');
    const step = subject.say(
      link,
      chunk({ request, entries: [op('a', 3, 9, 'x')], claims: vector('a:3-3') }),
      chunk({ request, n: 1, entries: [op('a', 1, 5, 'y')], claims: vector('a:1-2 b:1-1'), last: true }),
    );
    expect(step.persist?.puts.map(({ key }) => key)).toEqual(['x', 'y']);
    expect(step.persist?.vectors).toContainEqual({
      bucket: BUCKET,
      origin: 'a'.repeat(21),
      intervals: [1, 3],
    });
    expect(subject.covered).toBe('a:1-3 b:1-1');
    expect(subject.data).toEqual({ x: 'x', y: 'y' });
    expect(subject.sent('credit')).toEqual([{ type: 'credit', request, chunks: 1 }]);
  });

  test('a cut one leaves what came, and is resumed with another neighbour', () => {
    const { subject, link, request } = pulling('a:1-3');
    const b = subject.meet('B');
    subject.say(b, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-3')]] });
    subject.say(link, chunk({ request, entries: [op('a', 3, 9, 'x')], claims: vector('a:3-3') }));
    subject.take({ kind: 'linkClosed', link, reason: 'broken' });
    subject.pass(0);
    const [next] = subject.sent('deltaRequest', b);
    expect(next && shown(next.vector)).toBe('a:3-3');
  });

  test('rule 7: a chunk of another request or over another link is left aside', () => {
    const { subject, link, request } = pulling('a:1-3');
    const b = subject.meet('B');
    const foreign: Chunk = chunk({
      request,
      entries: [op('a', 3, 9, 'x')],
      claims: vector('a:1-3'),
      last: true,
    });
    subject.say(b, foreign);
    subject.say(link, { ...foreign, request: request + 1 });
    expect(subject.covered).toBe('');
    expect(subject.data).toEqual({});
    subject.say(link, foreign);
    expect(subject.covered).toBe('a:1-3');
    // It is over: the same chunk again is none of ours either.
    subject.say(link, { ...foreign, n: 1, claims: vector('c:1-9') });
    expect(subject.covered).toBe('a:1-3');
  });

  test.each([1, 2])('a chunk out of order ends the link (n = %i)', (n) => {
    const { subject, link, request } = pulling('a:1-3');
    subject.say(link, chunk({ request, n, claims: vector('a:1-3'), last: true }));
    expect(subject.closes).toEqual([link]);
    expect(subject.covered).toBe('');
  });

  test('a chunk twice ends the link and adds nothing', () => {
    const { subject, link, request } = pulling('a:1-3');
    const one = chunk({ request, entries: [op('a', 3, 9, 'x')], claims: vector('a:3-3') });
    subject.say(link, one, one);
    expect(subject.closes).toEqual([link]);
    expect(subject.covered).toBe('a:3-3');
  });

  test('what a neighbour does not deliver is not asked for again and again', () => {
    const { subject, link, request } = pulling('a:1-9');
    subject.say(link, chunk({ request, claims: vector('a:1-3'), last: true }));
    subject.pass(900);
    expect(subject.sent('deltaRequest')).toEqual([]);
    // Until it says anew that it has it.
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-9')]] });
    subject.pass(100);
    expect(subject.sent('deltaRequest')).toHaveLength(1);
  });

  test('one that makes no progress is cancelled and asked for elsewhere', () => {
    const { subject, link, request } = pulling('a:1-3');
    const b = subject.meet('B');
    subject.say(b, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-3')]] });
    subject.pass(14_000);
    subject.say(link, { type: 'pong', id: 0, clock: EPOCH });
    subject.say(b, { type: 'pong', id: 0, clock: EPOCH });
    subject.pass(1_000);
    expect(subject.sent('cancel', link)).toEqual([{ type: 'cancel', request, reason: 'no progress' }]);
    expect(subject.sent('deltaRequest', b)).toHaveLength(1);
  });

  test('one that is refused is asked for elsewhere', () => {
    const { subject, link, request } = pulling('a:1-3');
    const b = subject.meet('B');
    subject.say(b, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-3')]] });
    subject.say(link, { type: 'cancel', request, reason: 'too much to do' });
    subject.pass(0);
    expect(subject.sent('deltaRequest', b)).toHaveLength(1);
    expect(subject.sent('deltaRequest', link)).toEqual([]);
  });

  describe('that is refused, as we are below the floor of the source,', () => {
    const asked = (subject: Subject): string => {
      subject.pass(100);
      const [deltas, comparisons] = [subject.sent('deltaRequest'), subject.sent('compare')];
      return [...deltas.map((request) => shown(request.vector)), ...comparisons.map(() => 'compare')].join();
    };

    test('is asked for once more when that was judged by what we covered then; only then both reconcile', () => {
      const { subject, link, request } = pulling('a:1-3');
      subject.learn(link, op('a', 1, 1, 'x'));
      subject.say(link, { type: 'below', request });
      subject.pass(100);
      const [again] = subject.sent('deltaRequest');
      expect(shown(again?.vector ?? vector(''))).toBe('a:1-1');
      subject.learn(link, op('a', 2, 2, 'y'));
      subject.say(link, { type: 'below', request: again?.request ?? 0 });
      expect(asked(subject)).toBe('compare');
    });

    test('is asked for no more when we have heard nothing since', () => {
      const { subject, link, request } = pulling('a:1-3');
      subject.say(link, { type: 'below', request });
      expect(asked(subject)).toBe('compare');
    });

    test('nor when what we lacked has come meanwhile', () => {
      const { subject, link, request } = pulling('a:1-1');
      subject.learn(link, op('a', 1, 1, 'x'));
      subject.say(link, { type: 'below', request });
      expect(asked(subject)).toBe('');
    });
  });

  test('there is one at a time for a bucket', () => {
    const { subject } = pulling('a:1-3');
    const b = subject.meet('B');
    subject.say(b, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-9')]] });
    subject.pass(1000);
    expect(subject.sent('deltaRequest')).toEqual([]);
  });
});

describe('rule 9: what a claim covers without showing it', () => {
  test('lies below what is written here then, such as the tombstone that the source has dropped', () => {
    const { subject, link, request } = pulling('a:1-2');
    const seenUpTo = stampAt(EPOCH + 50_000);
    subject.say(link, chunk({ request, claims: vector('a:1-2'), last: true, seenUpTo }));
    subject.write(['k', 'v']);
    expect(subject.replica.core.clock.last).toBeGreaterThan(seenUpTo);
  });

  test('does not move our clock beyond the horizon', () => {
    const { subject, link, request } = pulling('a:1-2');
    subject.say(
      link,
      chunk({ request, claims: vector('a:1-2'), last: true, seenUpTo: stampAt(EPOCH + 3_600_000) }),
    );
    subject.write(['k', 'v']);
    expect(subject.replica.core.clock.last).toBeLessThan(stampAt(EPOCH + 1000));
  });
});

describe('rule 8: writes from the future', () => {
  const FUTURE = 3_600_000;

  test('after a chunk that says `exact`, only exact dots are covered', () => {
    const { subject, link, request } = pulling('a:1-3 b:1-1');
    const heldUntil = EPOCH + FUTURE;
    subject.say(link, chunk({ request, entries: [op('a', 3, 9, 'x')], exact: true, heldUntil }));
    // A source that claims all the same is not believed.
    subject.say(link, chunk({ request, n: 1, claims: vector('a:1-2'), exact: true, last: true, heldUntil }));
    expect(subject.covered).toBe('a:3-3');
    const held = subject.bucket.held.get(link);
    expect(shown(held?.dots ?? vector(''))).toBe('a:1-2 b:1-1');
    expect(held?.until).toBe(heldUntil - 60_000 + 1);
    expect(subject.notes).toContain('held-back');
  });

  test('an entry that we hold back ourselves spoils the rest of the delta, claims included', () => {
    const { subject, link, request } = pulling('a:1-4');
    subject.say(link, chunk({ request, entries: [op('a', 4, FUTURE, 'x')], claims: vector('a:4-4') }));
    subject.say(
      link,
      chunk({ request, n: 1, entries: [op('a', 2, 5, 'y')], claims: vector('a:1-3'), last: true }),
    );
    expect(subject.covered).toBe('a:2-2');
    expect(subject.data).toEqual({ y: 'y' });
    expect(subject.get('x')).toBeUndefined();
    expect(subject.replica.core.clock.last).toBe(stampAt(EPOCH + 5));
  });

  test('what was applied in the chunk before it was held back is covered exactly', () => {
    const { subject, link, request } = pulling('a:1-1 b:1-3');
    const entries = [op('b', 3, 10, 'x'), op('a', 1, FUTURE, 'y')];
    subject.say(link, chunk({ request, entries, claims: vector('a:1-1 b:1-3'), last: true }));
    expect(subject.covered).toBe('b:3-3');
  });

  test('they are asked for when their time has come, and not before', () => {
    const { subject, link, request } = pulling('a:1-2');
    const heldUntil = EPOCH + FUTURE;
    subject.say(link, chunk({ request, exact: true, last: true, heldUntil }));
    for (let i = 0; i < 5; i++) {
      subject.say(link, { type: 'vectors', reply: true, buckets: [[BUCKET, vector('a:1-2')]] });
      subject.pass(2_000);
    }
    expect(subject.sent('deltaRequest')).toEqual([]);
    subject.skew = FUTURE - 60_000;
    subject.pass(2_000);
    const [again] = subject.sent('deltaRequest');
    subject.say(
      link,
      chunk({
        request: again?.request ?? 0,
        entries: [op('a', 2, FUTURE, 'x')],
        claims: vector('a:1-2'),
        last: true,
      }),
    );
    expect(subject.covered).toBe('a:1-2');
    expect(subject.bucket.held.size).toBe(0);
  });

  test('a wall clock that jumps back does not make a busy loop', () => {
    const { subject, link, request } = pulling('a:1-2');
    subject.say(link, chunk({ request, exact: true, last: true, heldUntil: EPOCH + 60_001 }));
    subject.skew = -2 * FUTURE;
    subject.pass(5_000, 100);
    expect(subject.sent('deltaRequest')).toEqual([]);
  });

  test('other writes of that origin are not blocked', () => {
    const { subject, link, request } = pulling('a:1-2');
    subject.say(link, chunk({ request, exact: true, last: true, heldUntil: EPOCH + FUTURE }));
    subject.say(link, push(op('a', 3, 50, 'z')));
    expect(subject.covered).toBe('a:3-3');
    expect(lacking(linkOf(subject), subject.bucket).size).toBe(0);
  });
});

function linkOf(subject: Subject): Link {
  const link = [...subject.replica.core.links.values()].find((l) => l.hello?.peer === peerId('A'));
  if (!link) throw new Error('no link');
  return link;
}
