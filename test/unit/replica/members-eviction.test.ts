import { describe, expect, test } from '@jest/globals';
import { stampAt } from '../../../src/data/stamp.js';
import type { MemberRecord } from '../../../src/protocol/members.js';
import { EPOCH, id, peerId, Subject } from './builders.js';
import { evicted, known, member, tell } from './members.builders.js';

const HOUR = 3_600_000;
const upTo = (at: number): Partial<MemberRecord> => ({ evictedUpTo: stampAt(EPOCH + at) });
const ownNumber = (subject: Subject): number =>
  Number((subject.replica.members.own?.number ?? 0n) >> 16n) - EPOCH;

describe('who was evicted by hand', () => {
  test('is not brought back by what it said before, although that is heard of only now', () => {
    const subject = new Subject({ pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    tell(subject, link, member('B', 5000));
    subject.now = 9000;
    subject.take({ kind: 'evict', request: 1, target: id('B') });
    tell(subject, link, member('B', 8000));
    expect(known(subject)).toBe('B@8!');
    tell(subject, link, member('B', 10_000));
    expect(known(subject)).toBe('B@10');
  });

  test('by the clock of the cluster, not by one that runs ahead', () => {
    const subject = new Subject({ pingTimeoutMs: 1e9 });
    const links = ['A', 'C', 'D'].map((letter) => subject.meet(letter, { hello: { clock: EPOCH - HOUR } }));
    tell(subject, links[0] ?? subject.meet('E'), member('B', -HOUR - 5000));
    subject.take({ kind: 'evict', request: 1, target: id('B') });
    expect(subject.replica.members.get(peerId('B'))?.evictedUpTo).toBe(stampAt(EPOCH - HOUR));
  });

  test('announces itself above its eviction, even one by a faster clock', () => {
    const subject = new Subject({ durable: true, pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    subject.pass(1);
    const own = subject.replica.members.own as MemberRecord;
    tell(subject, link, { ...own, ...upTo(50_000) });
    expect(known(subject)).toBe('subject@0!');
    subject.pass(5000);
    expect(known(subject)).toBe('subject@50');
    subject.write(['k', 'v']);
    subject.pass(5000);
    expect(known(subject)).toBe('subject@50');
    expect(ownNumber(subject)).toBe(50_000);
  });

  test('in the far future is left aside', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    tell(subject, link, member('B', 5), { ...member('C', 5), ...upTo(HOUR) });
    expect(known(subject)).toBe('B@0');
    tell(subject, link, { ...member('B', 5), ...upTo(HOUR) });
    expect(known(subject)).toBe('B@0');
    expect(subject.notes).toContain('member-refused');
  });
});

test('who was silent for long is a member again by a later word, which shows that it was not', () => {
  const subject = new Subject({ evictAfterMs: 80_000, pingTimeoutMs: 1e9 });
  const link = subject.meet('A');
  tell(subject, link, member('B', 5000));
  subject.pass(90_000);
  expect(subject.replica.members.get(peerId('B'))).toEqual(evicted(member('B', 5000)));
  tell(subject, link, member('B', 60_000));
  expect(known(subject)).toBe('B@60');
});
