import { describe, expect, test } from '@jest/globals';
import type { OriginId } from '../../../src/base/ids.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import type { Message } from '../../../src/protocol/messages.js';
import { BUCKET, chunk, op, origin, push, shown, Subject, vector } from './builders.js';

const UNASKED: readonly Message[] = [
  chunk({ request: 77 }),
  { type: 'below', request: 77 },
  { type: 'differ', request: 77, n: 0, blocks: [], start: null },
  { type: 'answer', request: 77, n: 0, drop: [], entries: [], answered: 1 },
];

describe('what nobody asked for', () => {
  test.each(UNASKED.map((message) => [message.type, message] as const))(
    '%s is left aside; too much of it ends the link, with the reason',
    (type, message) => {
      const subject = new Subject();
      const link = subject.meet('A');
      subject.clear();
      for (let i = 0; i < 99; i++) subject.say(link, message);
      expect(subject.closes).toEqual([]);
      subject.say(link, message);
      expect(subject.closes).toEqual([link]);
      expect(subject.sent('goodbye')).toMatchObject([
        { code: 'PROTOCOL_MISMATCH', reason: `repeated abuse: ${type} that nobody asked for` },
      ]);
    },
  );
});

test.each<Message>([
  { type: 'ping', id: 1, clock: 0 },
  { type: 'ack', bytes: 1 },
  { type: 'cancel', request: 77, reason: 'x' },
  { type: 'same', round: 1 },
])('$type by the thousand ends the link; a thousand a second do not', (message) => {
  const subject = new Subject();
  const link = subject.meet('A');
  for (let i = 0; i < 8_000; i++) {
    subject.now += 1;
    subject.say(link, message);
  }
  expect(subject.closes).toEqual([]);
  for (let i = 0; i < 8_000 && subject.closes.length === 0; i++) subject.say(link, message);
  expect(subject.sent('goodbye')).toMatchObject([
    { reason: `repeated abuse: more ${message.type} than anybody needs` },
  ]);
});

test.each([0, 1])(
  'pushes without news (hops %i) end the link, by name, when far more come than trees cost while they are learned',
  (hops) => {
    const subject = new Subject();
    const link = subject.meet('A');
    const message = { ...push(op('a', 1, 0, 'k', 'x'.repeat(2 ** 18))), hops };
    subject.say(link, message);
    // 64 MiB at once, and then 4 MiB in a second.
    for (let i = 0; i < 250; i++) subject.say(link, message);
    for (let i = 0; i < 20; i++) {
      subject.now += 1_000;
      for (let j = 0; j < 15; j++) subject.say(link, message);
    }
    expect(subject.closes).toEqual([]);
    for (let i = 0; i < 500 && subject.closes.length === 0; i++) subject.say(link, message);
    expect(subject.closes).toEqual([link]);
    expect(subject.sent('goodbye')).toMatchObject([
      { code: 'PROTOCOL_MISMATCH', reason: 'repeated abuse: endless pushes without news' },
    ]);
    expect(subject.data).toEqual({ k: 'x'.repeat(2 ** 18) });
  },
);

test('a misdeed now and then is forgiven, for as long as the link lives', () => {
  const subject = new Subject();
  const link = subject.meet('A');
  for (let i = 0; i < 300; i++) {
    subject.now += 60_000;
    subject.say(link, chunk({ request: 77 }));
  }
  expect(subject.closes).toEqual([]);
  for (let i = 0; i < 99; i++) subject.say(link, chunk({ request: 77 }));
  expect(subject.closes).toEqual([link]);
});

test('an answer that comes after its session was given up is no misdeed; a second one is', () => {
  const subject = new Subject({ pingTimeoutMs: 3_600_000 });
  const link = subject.meet('A');
  const hasFault = (): boolean =>
    subject.replica.core.links.get(link)?.leniency.isFull(subject.now) === false;
  subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-5')]] });
  subject.pass(100);
  const late: Message[] = [{ type: 'below', request: subject.sent('deltaRequest')[0]?.request ?? 0 }];
  subject.say(link, ...late);
  subject.pass(20_000);
  const request = subject.sent('compare')[0]?.request ?? 0;
  expect(subject.notes).toContain('reconciled');
  const start = { vector: vector('a:1-5'), floor: vector('') };
  late.push({ type: 'differ', request, n: 0, blocks: [], start });
  subject.say(link, ...late);
  expect(hasFault()).toBe(false);
  subject.say(link, ...late);
  expect(hasFault()).toBe(true);
  expect(subject.covered).toBe('');
});

test('who says again and again that our origin wrote what it did not is sent away', () => {
  const subject = new Subject();
  const link = subject.meet('A');
  subject.write(['k', 'v']);
  const origins = new Set<string>();
  for (let i = 0; i < 5 && subject.closes.length === 0; i++) {
    const { origin } = subject.replica.core;
    origins.add(origin);
    const vector = new VersionVector([[origin, [1, 1_000]]]);
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector]] });
    subject.pass(10);
  }
  expect(subject.closes).toEqual([link]);
  expect(origins.size).toBe(3);
  expect(subject.data).toEqual({ k: 'v' });
});

describe('a floor that another peer tells', () => {
  function told(start: (own: OriginId) => { vector: VersionVector; floor: VersionVector }): Subject {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.write(['k', 'v']);
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-5')]] });
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest');
    subject.say(link, { type: 'below', request: asked?.request ?? 0 });
    subject.pass(1);
    const request = subject.sent('compare')[0]?.request ?? 0;
    const { origin: own } = subject.replica.core;
    subject.say(link, { type: 'differ', request, n: 0, blocks: [], start: start(own) });
    subject.pass(1);
    return subject;
  }
  const beyond = (own: OriginId): VersionVector => new VersionVector([[own, [1, 1_000]]]);

  test('is taken whole: what lies beyond its vector could never be passed on else', () => {
    const subject = told(() => ({ vector: vector('a:1-5'), floor: vector('a:1-4 b:1-2') }));
    expect(shown(subject.bucket.floor)).toBe('a:1-4 b:1-2');
    expect(subject.replica.core.origin).toBe(origin('m'));
  });

  test.each([
    ['vector', (own: OriginId) => ({ vector: beyond(own), floor: vector('') })],
    ['floor', (own: OriginId) => ({ vector: vector('a:1-5'), floor: beyond(own) })],
  ])('with writes of our origin that we never made in its %s: we go on under another', (_, start) => {
    const subject = told(start);
    expect(subject.replica.core.origin).not.toBe(origin('m'));
    expect(subject.data).toEqual({ k: 'v' });
  });
});

describe('claims that would make our vector outgrow its messages end the link, and leave nothing behind', () => {
  const gaps = Array.from({ length: 20_000 }, (_, i) => 3 * i + 1 - (i % 2));
  const many = Array.from({ length: 70_000 }, (_, i) => String(i).padStart(21, 'x') as OriginId);

  test.each([
    ['gaps', new VersionVector([[origin('a'), gaps]])],
    ['origins', new VersionVector(many.map((one) => [one, [1, 1]] as const))],
  ])('%s', (_, claims) => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-5')]] });
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest');
    subject.say(link, chunk({ request: asked?.request ?? 0, claims, last: true }));
    expect(subject.closes).toEqual([link]);
    expect(subject.covered).toBe('');
  });
});

test('a push full of gaps ends the link too', () => {
  const subject = new Subject();
  const link = subject.meet('A');
  const ops = Array.from({ length: 9_000 }, (_, i) => op('a', 2 * i + 1, i, `k${i}`));
  subject.say(link, push(...ops));
  expect(subject.closes).toEqual([link]);
  expect(subject.covered).toBe('');
});

test('chunks of a delta that was given up may still come: that is no misdeed', () => {
  const subject = new Subject();
  const link = subject.meet('A');
  for (let i = 0; i < 15; i++) {
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-5')]] });
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest');
    const request = asked?.request ?? 0;
    subject.say(link, { type: 'cancel', request, reason: '' });
    for (let n = 0; n < 8; n++) subject.say(link, chunk({ request, n }));
  }
  expect(subject.closes).toEqual([]);
});
