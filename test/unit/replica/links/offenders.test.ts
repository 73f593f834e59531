import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../../src/base/ids.js';
import { helloOf, peerId, Subject } from '../builders.js';
import { addressOf, madeUp, RARE_PINGS } from './crowd.js';

const HOST = '10.0.0.7';

const newSubject = (peers: readonly string[] = []): Subject =>
  new Subject({ links: 64, addresses: 512, peers, ...RARE_PINGS });

interface Caller {
  readonly letter?: string;
  readonly remote?: string;
  /** Among many that have ids of their own. */
  readonly number?: number;
}

function call(subject: Subject, { letter = 'A', remote = HOST, number }: Caller = {}): LinkId {
  const peer = number === undefined ? peerId(letter) : (madeUp(number, 1)[0]?.id ?? peerId(letter));
  return subject.meet(letter, { remote: `${remote} port ${subject.now}`, hello: { peer } });
}

const isIn = (subject: Subject, link: LinkId): boolean =>
  subject.replica.core.links.get(link)?.hello !== undefined && !subject.closes.includes(link);

/** Ends its link by what is against the protocol. */
function offend(subject: Subject, link: LinkId): void {
  expect(isIn(subject, link)).toBe(true);
  subject.say(link, helloOf('A'));
  subject.take({ kind: 'linkClosed', link, reason: 'ended' });
}

/** How long somebody is refused who tries every half second. */
function refusedFor(subject: Subject, who: Caller): number {
  const begun = subject.now;
  for (;;) {
    const link = call(subject, who);
    const isRefused = !isIn(subject, link);
    if (isRefused) subject.take({ kind: 'linkClosed', link, reason: 'refused' });
    else {
      offend(subject, link);
      return subject.now - begun;
    }
    subject.now += 500;
  }
}

describe('a peer whose link was ended for abuse', () => {
  test('is refused when it comes back, for longer each time, with a code and a reason; others are not', () => {
    const subject = newSubject();
    offend(subject, call(subject));
    subject.clear();
    const link = call(subject);
    expect(isIn(subject, link)).toBe(false);
    expect(subject.sent('goodbye', link)).toMatchObject([
      { code: 'PEER_REFUSED', reason: 'links to it or others at its host ended for abuse: try again in 1 s' },
    ]);
    expect(isIn(subject, call(subject, { letter: 'B' }))).toBe(true);
    const pauses = Array.from({ length: 3 }, () => refusedFor(subject, {}));
    expect(pauses).toEqual([1_000, 2_000, 4_000]);
  });

  test('is forgiven: one end in ten minutes, and no pause is longer than that', () => {
    const subject = newSubject();
    for (let i = 0; i < 11; i++) {
      offend(subject, call(subject));
      subject.now += 600_000 - 1;
    }
    expect(isIn(subject, call(subject))).toBe(false);
    subject.now += 1;
    offend(subject, call(subject));
    subject.now += 20 * 600_000;
    offend(subject, call(subject));
    subject.now += 1_000;
    expect(isIn(subject, call(subject))).toBe(true);
  });

  test('is refused at its host only: whoever uses its name elsewhere does not shut it out', () => {
    const subject = newSubject();
    offend(subject, call(subject, { remote: '10.0.0.8' }));
    expect(isIn(subject, call(subject, { remote: '10.0.0.8' }))).toBe(false);
    expect(isIn(subject, call(subject))).toBe(true);
  });

  test('is never refused if people named it, nor when the dial was ours to an address that they named', () => {
    const subject = newSubject(['http://a:1']);
    subject.pass(1);
    for (let i = 0; i < 8; i++) {
      const meeting = { direction: 'out' as const, url: 'http://a:1', remote: `${HOST} port 1` };
      offend(subject, subject.meet('A', meeting));
    }
    expect(isIn(subject, call(subject))).toBe(true);
  });
});

describe('a host from which many offend', () => {
  function offended(ends: number): Subject {
    const subject = newSubject();
    for (let i = 0; i < ends; i++) {
      subject.now += 20_000;
      offend(subject, call(subject, { number: i }));
    }
    return subject;
  }

  test('is refused new links for a while, but not for long: others may share it', () => {
    const subject = offended(4);
    expect(isIn(subject, call(subject, { number: 100 }))).toBe(true);
    for (const [ends, pause] of [
      [5, 1_000],
      [6, 2_000],
      [30, 16_000],
    ] as const) {
      expect(refusedFor(offended(ends), { number: 200 })).toBe(pause);
    }
    const other = offended(30);
    expect(isIn(other, call(other, { number: 300, remote: '10.0.0.8' }))).toBe(true);
  });

  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
    '%s is none: a proxy there hides who calls',
    (remote) => {
      const subject = newSubject();
      for (let i = 0; i < 30; i++) offend(subject, call(subject, { number: i, remote }));
      offend(subject, call(subject, { remote }));
      expect(isIn(subject, call(subject, { remote }))).toBe(false);
    },
  );

  test('may be that of a peer which our dials have found, or find now: it is let in', () => {
    const subject = offended(30);
    const { url, id, name } = addressOf('B');
    subject.replica.core.addresses.learn(url, id, name);
    expect(isIn(subject, call(subject, { letter: 'B' }))).toBe(false);
    subject.pass(1);
    const found = subject.meet('B', { direction: 'out', url, remote: `${HOST} port 1` });
    expect(isIn(subject, found)).toBe(true);
    subject.take({ kind: 'linkClosed', link: found, reason: 'broken' });
    expect(isIn(subject, call(subject, { letter: 'B' }))).toBe(true);
  });
});
