import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../../src/base/ids.js';
import type { Link } from '../../../../src/protocol/link.js';
import { EPOCH, Subject } from '../builders.js';

const linkOf = (subject: Subject, id: LinkId): Link => subject.replica.core.links.get(id) as Link;

describe('pings', () => {
  test('tell the round trip and the difference of the clocks', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    const [ping] = subject.sent('ping');
    subject.now = 30;
    subject.say(link, { type: 'pong', id: ping?.id ?? 0, clock: EPOCH + 2_015 });
    expect(linkOf(subject, link).rttMs).toBe(30);
    expect(linkOf(subject, link).clockLead).toBe(EPOCH + 2_000);
  });

  test('an answer that comes after the next ping still tells its own round trip', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    const [first] = subject.sent('ping');
    subject.pass(5_000);
    const [second] = subject.sent('ping');
    subject.now = 6_000;
    subject.say(link, { type: 'pong', id: first?.id ?? 0, clock: EPOCH });
    expect(linkOf(subject, link).rttMs).toBe(6_000);
    subject.say(link, { type: 'pong', id: second?.id ?? 0, clock: EPOCH });
    expect(linkOf(subject, link).rttMs).toBe(6_000);
  });

  test('an answer to nothing is passed over', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    const [ping] = subject.sent('ping');
    subject.say(link, { type: 'pong', id: (ping?.id ?? 0) + 1, clock: EPOCH + 1e9 });
    expect(linkOf(subject, link).rttMs).toBeNull();
    expect(linkOf(subject, link).clockLead).toBe(EPOCH);
  });

  test('are answered with the wall clock', () => {
    const subject = new Subject();
    subject.skew = 99;
    const link = subject.meet('A');
    subject.say(link, { type: 'ping', id: 5, clock: EPOCH });
    expect(subject.sent('pong')).toEqual([{ type: 'pong', id: 5, clock: EPOCH + 99 }]);
  });

  test('a link from which nothing comes is closed, one that is heard is not', () => {
    const subject = new Subject();
    const [silent, heard] = [subject.meet('A'), subject.meet('B')] as const;
    for (let i = 0; i < 4; i++) {
      subject.pass(5_000);
      subject.say(heard, { type: 'same', round: 1 });
    }
    expect(subject.closes).toEqual([silent]);
  });
});

describe('clocks', () => {
  test('one that is off is complained about once a minute', () => {
    const subject = new Subject();
    const links = ['A', 'B'].map((letter) => subject.meet(letter, { hello: { clock: EPOCH + 40_000 } }));
    for (let i = 0; i < 29; i++) {
      subject.pass(2_000);
      for (const link of links) subject.say(link, { type: 'same', round: 1 });
    }
    expect(subject.notes.filter((note) => note === 'clock-off')).toHaveLength(1);
    subject.pass(5_000);
    expect(subject.notes.filter((note) => note === 'clock-off')).toHaveLength(2);
  });
});
