import { expect, test } from '@jest/globals';
import type { Input, Note } from '../../../../src/replica/step.js';
import { helloOf, Subject } from '../builders.js';
import { madeUp, RARE_PINGS } from './crowd.js';

/** A replica, and what it has said above `debug`, by event. */
class Talker extends Subject {
  readonly said: Note[] = [];

  override take(input: Input): ReturnType<Subject['take']> {
    const step = super.take(input);
    this.said.push(...step.notes.filter(({ level }) => level !== 'debug'));
    return step;
  }

  count(event: string): number {
    return this.said.filter((note) => note.event === event).length;
  }
}

const newTalker = (settings: ConstructorParameters<typeof Subject>[0] = {}): Talker =>
  new Talker({ links: 64, addresses: 4_096, ...RARE_PINGS, ...settings });

test('hearsay that leads nowhere fills no log; what people named is always said, once', () => {
  const subject = newTalker({ peers: ['http://config:1'] });
  const link = subject.meet('A');
  for (let i = 0; i < 2; i++) subject.say(link, { type: 'peers', addresses: madeUp(1_000 * i, 1_000) });
  for (let i = 0; i < 200; i++) {
    subject.pass(10);
    for (const url of subject.dials.splice(0))
      if (url !== 'http://config:1') subject.take({ kind: 'dialFailed', url, reason: 'refused' });
  }
  expect(subject.count('dial-failed')).toBeGreaterThan(20);
  expect(subject.count('dial-failed')).toBeLessThan(40);
  for (let i = 0; i < 2; i++) subject.take({ kind: 'dialFailed', url: 'http://config:1', reason: 'refused' });
  expect(subject.said.filter(({ message }) => message.includes('http://config:1'))).toHaveLength(1);
});

test('those who come and go without end fill no log', () => {
  const subject = newTalker();
  for (let i = 0; i < 1_000; i++) {
    subject.now += 10;
    const link = subject.meet('A', {
      hello: { peer: helloOf('A').peer.slice(0, 17) + String(1_000 + i) } as never,
    });
    subject.take({ kind: 'linkClosed', link, reason: 'gone' });
  }
  expect(subject.count('connected')).toBeGreaterThan(60);
  expect(subject.said.length).toBeLessThan(150);
});

test('refusals for want of room, or of a HELLO, are said once for each host', () => {
  const subject = newTalker({ links: 2 });
  for (const letter of ['A', 'B']) subject.meet(letter);
  for (const letter of ['C', 'D', 'E']) subject.meet(letter, { remote: '10.0.0.7 port 1' });
  expect(subject.count('link-refused')).toBe(1);
  for (let i = 0; i < 3; i++) subject.open({ remote: `10.0.0.8 port ${i}` });
  subject.pass(6_000);
  subject.open({ remote: '10.0.0.9 port 1' });
  subject.pass(6_000);
  expect(subject.count('link-refused')).toBeGreaterThanOrEqual(3);
  expect(subject.count('link-refused')).toBeLessThanOrEqual(4);
});
