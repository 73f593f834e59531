import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import { encodeMessage } from '../../../src/protocol/codec.js';
import type { Message } from '../../../src/protocol/messages.js';
import { BUCKET, chunk, digestOf, EPOCH, op, push, shown, Subject, vector } from './builders.js';

const vectors = (text: string, reply = false) =>
  ({ type: 'vectors', reply, buckets: [[BUCKET, vector(text)]] }) as const;
const digest = (round: number, covered: string, entries: ReturnType<typeof op>[] = []) =>
  ({
    type: 'digest',
    round,
    buckets: [digestOf(covered, entries)],
    membersHash: new Uint8Array(16),
  }) as const;

/** Answers pings, so that a link lives. */
function alive(subject: Subject, link: LinkId): void {
  subject.say(link, { type: 'pong', id: 0, clock: EPOCH });
}

describe('a new link', () => {
  test('with equal hashes: nothing more is said about it', () => {
    const subject = new Subject();
    subject.meet('A', { hello: { buckets: [digestOf('')] } });
    expect(subject.sent('vectors')).toEqual([]);
  });

  test('with other hashes: our vector is sent, theirs is not asked for as they do the same', () => {
    const subject = new Subject();
    subject.write(['k', 'v']);
    subject.meet('A', { hello: { buckets: [digestOf('a:1-1')] } });
    const [sent] = subject.sent('vectors');
    expect(sent?.reply).toBe(false);
    expect(sent && shown(sent.buckets[0]?.[1] ?? vector(''))).toBe('m:1-1');
  });

  test('what the other side has more is asked for at once', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.say(link, vectors('a:1-1'));
    subject.pass(0);
    expect(subject.sent('deltaRequest')).toHaveLength(1);
  });
});

describe('what one neighbour withholds', () => {
  test('because it lies in the future is still asked of another that has it', () => {
    const subject = new Subject();
    const [fast, good] = [subject.meet('A'), subject.meet('G')];
    subject.say(fast, vectors('a:1-1 b:1-1'));
    subject.say(good, vectors('b:1-1'));
    subject.pass(200);
    const [first] = subject.sent('deltaRequest', fast);
    // It has replaced the one write that we lack by one from the future.
    const heldUntil = EPOCH + 3_600_000;
    subject.say(fast, chunk({ request: first?.request ?? 0, exact: true, last: true, heldUntil }));
    subject.pass(200);
    expect(subject.sent('deltaRequest', good)).toHaveLength(1);
  });

  test('by chunks that bring nothing is asked of another when the delta has stalled', () => {
    const subject = new Subject();
    const [idle, good] = [subject.meet('A'), subject.meet('G')];
    subject.say(idle, vectors('z:1-9 b:1-1'));
    subject.say(good, vectors('b:1-1'));
    subject.pass(200);
    const [first] = subject.sent('deltaRequest', idle);
    for (let n = 0; n < 5; n++) {
      subject.pass(5_000);
      subject.say(idle, chunk({ request: first?.request ?? 0, n }));
      alive(subject, good);
    }
    expect(subject.sent('deltaRequest', good)).toHaveLength(1);
  });
});

describe('a round', () => {
  test('between equals ends with `same`', () => {
    const subject = new Subject();
    const one = op('a', 1, 1, 'k');
    const link = subject.meet('A');
    subject.say(link, push(one));
    subject.clear();
    subject.say(link, digest(7, 'a:1-1', [one]));
    expect(subject.sent('same')).toEqual([{ type: 'same', round: 7 }]);
    expect(subject.sent('vectors')).toEqual([]);
    expect(subject.replica.core.counters.divergences).toBe(0);
  });

  test('between equals costs one round trip of less than 100 bytes, however long the two have been linked', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.clear();
    subject.pass(2000);
    const [asked] = subject.sent('digest', link);
    if (!asked) throw new Error('no digest was sent');
    const round = 2 ** 31;
    subject.say(link, { ...asked, round });
    const answers = [...subject.sent('same', link), ...subject.sent('vectors', link)];
    const bytes = [{ ...asked, round }, ...answers].map((message) => encodeMessage(message).length);
    expect(answers).toEqual([{ type: 'same', round }]);
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(100);
    subject.pass(100);
    expect(subject.sent('roster', link)).toEqual([]);
  });

  test('between others is answered with our vector, and theirs is asked for', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.clear();
    subject.say(link, digest(7, 'a:1-1'));
    expect(subject.sent('vectors').map(({ reply }) => reply)).toEqual([true]);
    subject.say(link, vectors('a:1-1', true));
    expect(subject.sent('vectors').map(({ reply }) => reply)).toEqual([false]);
  });

  test('gives pushes that are under way time to arrive', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.pass(500);
    subject.clear();
    subject.say(link, vectors('a:1-1'));
    subject.pass(40);
    expect(subject.sent('deltaRequest')).toEqual([]);
    subject.say(link, push(op('a', 1, 1, 'k')));
    subject.pass(200);
    expect(subject.sent('deltaRequest')).toEqual([]);
    subject.say(link, vectors('a:1-2'));
    subject.pass(60);
    expect(subject.sent('deltaRequest')).toHaveLength(1);
  });

  test('is begun no more often when what differs comes by pushes, as while writes stream in', () => {
    const subject = new Subject({ pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    let rounds = 0;
    for (let seq = 1; seq <= 60; seq++) {
      subject.say(link, vectors(`a:1-${seq}`, true), push(op('a', seq, seq, 'k')));
      for (let i = 0; i < 10; i++) {
        subject.pass(100);
        rounds += subject.sent('digest').length;
      }
    }
    expect(rounds).toBeGreaterThanOrEqual(3);
    expect(rounds).toBeLessThanOrEqual(12);
    expect(subject.sent('deltaRequest')).toEqual([]);
  });

  test('is begun more and more rarely while all is equal', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    const counts: number[] = [];
    for (let minute = 0; minute < 3; minute++) {
      let rounds = 0;
      for (let i = 0; i < 600; i++) {
        subject.pass(100);
        alive(subject, link);
        for (const { round } of subject.sent('digest')) {
          rounds++;
          subject.say(link, { type: 'same', round });
        }
      }
      counts.push(rounds);
    }
    expect(counts[0]).toBeGreaterThan(counts[2] as number);
    expect(counts[2]).toBeLessThanOrEqual(8);
    expect(counts[2]).toBeGreaterThanOrEqual(3);
  });

  test('is begun as rarely while only what is held back differs', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    const covered = { type: 'vectors', reply: true, buckets: [[BUCKET, vector('a:1-1')]] } as const;
    subject.say(link, vectors('a:1-1'));
    subject.pass(100);
    const [request] = subject.sent('deltaRequest');
    const heldUntil = EPOCH + 3_600_000;
    subject.say(link, chunk({ request: request?.request ?? 0, exact: true, last: true, heldUntil }));
    let rounds = 0;
    for (let i = 0; i < 1200; i++) {
      subject.pass(100);
      alive(subject, link);
      if (subject.sent('digest').length === 0) continue;
      rounds++;
      subject.say(link, covered);
    }
    expect(rounds).toBeLessThan(30);
    expect(subject.sent('deltaRequest')).toEqual([]);
  });

  test('tells from `same` what the other side covers, unless we wrote meanwhile', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.write(['k', 'v']);
    subject.replica.core.links.get(link)?.vectors.clear();
    subject.pass(1100);
    const asked = subject.sent('digest').at(-1);
    subject.say(link, { type: 'same', round: asked?.round ?? 0 });
    const known = (): string =>
      shown(subject.replica.core.links.get(link)?.vectors.get(BUCKET) ?? vector(''));
    expect(known()).toBe('m:1-1');
    subject.replica.core.links.get(link)?.vectors.clear();
    subject.say(link, { type: 'same', round: 99 });
    expect(known()).toBe('');
    subject.write(['l', 'w']);
    subject.replica.core.links.get(link)?.vectors.clear();
    subject.say(link, { type: 'same', round: asked?.round ?? 0 });
    expect(known()).toBe('');
  });

  test('news that came by a delta is announced to all soon', () => {
    const subject = new Subject();
    const [a, b] = [subject.meet('A'), subject.meet('B')] as const;
    subject.say(a, vectors('a:1-1'));
    subject.pass(0);
    const [request] = subject.sent('deltaRequest');
    subject.clear();
    const entries = [op('a', 1, 1, 'k')];
    subject.say(a, chunk({ request: request?.request ?? 0, entries, claims: vector('a:1-1'), last: true }));
    subject.pass(30);
    expect(subject.sent('digest', b)).toHaveLength(1);
    expect(subject.sent('push')).toEqual([]);
  });

  test('so is news of which nothing stands any more: others miss it as well, and nobody can send it to them', () => {
    const subject = new Subject({ antiEntropyMs: [1e8, 1e8] });
    const [a, b] = [subject.meet('A'), subject.meet('B')] as const;
    const told = (covered: string): number => {
      subject.say(a, vectors('a:1-1'));
      subject.pass(60);
      const [request] = subject.sent('deltaRequest');
      subject.clear();
      subject.say(a, chunk({ request: request?.request ?? 0, claims: vector(covered), last: true }));
      subject.pass(30);
      return subject.sent('digest', b).length;
    };
    expect(told('')).toBe(0);
    expect(told('a:1-1')).toBe(1);
  });
});

describe('a divergence', () => {
  test('equal vectors over other data is counted each time and reported once a minute for each link', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.say(link, push(op('a', 1, 1, 'k', 'one')));
    for (let i = 0; i < 3; i++) subject.say(link, digest(i, 'a:1-1', [op('a', 1, 1, 'k', 'two')]));
    expect(subject.replica.core.counters.divergences).toBe(3);
    expect(subject.notes.filter((note) => note === 'divergence')).toHaveLength(1);
    for (let i = 0; i < 30; i++) {
      subject.pass(2_100);
      alive(subject, link);
    }
    subject.say(link, digest(9, 'a:1-1', [op('a', 1, 1, 'k', 'two')]));
    expect(subject.notes.filter((note) => note === 'divergence')).toHaveLength(2);
  });

  test('is reported for each bucket', () => {
    const other = 'other' as typeof BUCKET;
    const subject = new Subject({ buckets: { [BUCKET]: { policy: 'lww' }, [other]: { policy: 'lww' } } });
    const link = subject.meet('A');
    const states = digest(1, '', [op('a', 1, 1, 'k')]);
    const buckets = [BUCKET, other].map((bucket) => ({ ...digestOf('', [op('a', 1, 1, 'k')]), bucket }));
    subject.say(link, { ...states, buckets });
    expect(subject.notes.filter((note) => note === 'divergence')).toHaveLength(2);
  });

  test('is not followed up over a link that is gone', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.say(link, digest(1, '', [op('a', 1, 1, 'k')]));
    subject.pass(1);
    expect(subject.sent('compare')).toHaveLength(1);
    const { rounds } = subject.replica.core.counters;
    const closed = subject.take({ kind: 'linkClosed', link, reason: 'gone' });
    expect(subject.notes).toContain('reconciled');
    expect(closed.sends).toEqual([]);
    expect(subject.replica.core.counters.rounds).toBe(rounds);
  });

  test('writes that are held back are none', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    const far = op('a', 1, 3_600_000, 'k');
    subject.say(link, push(far));
    subject.say(link, digest(1, 'a:1-1', [far]));
    expect(subject.replica.core.counters.divergences).toBe(0);
  });
});

describe('a comparison that was asked for', () => {
  function asked(): {
    subject: Subject;
    link: LinkId;
    round: number;
    isAnswered: (...said: Message[]) => boolean;
  } {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.pass(0);
    const earlier = subject.sent('digest', link);
    subject.say(link, ...earlier.map((one) => ({ type: 'same', round: one.round }) as const));
    subject.clear();
    subject.take({ kind: 'compare', request: 5 });
    const round = subject.sent('digest', link)[0]?.round ?? -1;
    const isAnswered = (...said: Message[]): boolean =>
      subject.say(link, ...said).replies.some(({ request }) => request === 5);
    return { subject, link, round, isAnswered };
  }

  test('ends with the answer to this very round', () => {
    const { isAnswered, round } = asked();
    expect(isAnswered({ type: 'same', round: round - 1 })).toBe(false);
    expect(isAnswered({ type: 'vectors', reply: false, buckets: [] })).toBe(false);
    expect(isAnswered({ type: 'same', round })).toBe(true);
  });

  test('shares a round with those that come close after it, and waits for no later one', () => {
    const { subject, link, round, isAnswered } = asked();
    const answered: number[] = [];
    for (let request = 100; request < 200; request++) subject.take({ kind: 'compare', request });
    expect(subject.sent('digest', link)).toEqual([]);
    subject.pass(20);
    const [next, ...more] = subject.sent('digest', link);
    expect(more).toEqual([]);
    expect(isAnswered({ type: 'same', round })).toBe(true);
    const { replies } = subject.say(link, { type: 'same', round: next?.round ?? 0 });
    answered.push(...replies.map(({ request }) => request));
    expect(answered).toEqual(Array.from({ length: 100 }, (_, i) => 100 + i));
  });

  test('does not end with the answer to a round that was never begun', () => {
    const { isAnswered, round } = asked();
    expect(isAnswered({ type: 'same', round: round + 1 })).toBe(false);
  });

  test('does not end with vectors that answer an earlier round', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.pass(1000);
    const earlier = subject.sent('digest', link);
    expect(earlier).not.toEqual([]);
    subject.take({ kind: 'compare', request: 5 });
    expect(subject.sent('digest', link)).toHaveLength(1);
    const told = { type: 'vectors', reply: true, buckets: [] } as const;
    expect(subject.say(link, ...earlier.map(() => told)).replies).toEqual([]);
    expect(subject.say(link, told).replies).toMatchObject([{ request: 5 }]);
  });

  test('ends when the other side tells its vectors instead', () => {
    expect(asked().isAnswered({ type: 'vectors', reply: true, buckets: [] })).toBe(true);
  });

  test('ends with the link, and in any case after a while', () => {
    const { subject, link } = asked();
    const closed = subject.take({ kind: 'linkClosed', link, reason: 'gone' });
    expect(closed.replies).toMatchObject([{ request: 5 }]);
    const late = asked();
    late.subject.now += 5_000;
    expect(late.subject.take({ kind: 'wake' }).replies).toMatchObject([{ request: 5 }]);
  });
});

test('every second round or more goes to the neighbour that was last seen to differ', () => {
  const subject = new Subject({ links: 20, antiEntropyMs: [1000, 1000], pingTimeoutMs: 1e9, pingMs: 1e9 });
  const links = 'ABCDEFGHIJ'
    .split('')
    .map((letter) => subject.meet(letter, { hello: { buckets: [digestOf('')] } }));
  subject.write(['k', 'v']);
  const odd = links[3] as LinkId;
  subject.say(odd, vectors(''));
  subject.clear();
  subject.pass(200_000);
  const all = subject.sent('digest', odd).length / 200;
  const others = subject.sent('digest').length / 200;
  expect(all / (all + others)).toBeGreaterThan(0.4);
  expect(others).toBeGreaterThan(0.2);
});
