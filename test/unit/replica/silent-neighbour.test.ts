import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import { Subject } from './builders.js';

describe('a comparison that was asked for tells', () => {
  function asked(): { subject: Subject; a: LinkId; b: LinkId } {
    const subject = new Subject();
    const [a, b] = [subject.meet('A'), subject.meet('B')];
    subject.pass(0);
    subject.clear();
    subject.take({ kind: 'compare', request: 5 });
    return { subject, a, b };
  }
  const answer = (subject: Subject, link: LinkId) =>
    subject.say(link, { type: 'same', round: subject.sent('digest', link)[0]?.round ?? -1 });

  test('how many neighbours have not answered in time', () => {
    const { subject, a } = asked();
    expect(answer(subject, a).replies).toEqual([]);
    subject.now += 5000;
    expect(subject.take({ kind: 'wake' }).replies).toEqual([
      { request: 5, outcome: { kind: 'done', silent: 1 } },
    ]);
  });

  test('of none when all have answered', () => {
    const { subject, a, b } = asked();
    answer(subject, a);
    expect(answer(subject, b).replies).toEqual([{ request: 5, outcome: { kind: 'done' } }]);
  });

  test('of none when the link of the silent one has ended', () => {
    const { subject, a, b } = asked();
    answer(subject, a);
    const { replies } = subject.take({ kind: 'linkClosed', link: b, reason: 'gone' });
    expect(replies).toEqual([{ request: 5, outcome: { kind: 'done' } }]);
  });
});
