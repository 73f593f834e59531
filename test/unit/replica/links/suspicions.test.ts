import { describe, expect, test } from '@jest/globals';
import type { LinkId, SessionId } from '../../../../src/base/ids.js';
import { id, peerId } from '../builders.js';
import { Neighbourhood, X } from './neighbourhood.js';

describe('a suspicion begins', () => {
  test('when two pings are not answered in the time that round trips take, and ends with whatever comes', () => {
    const hood = new Neighbourhood();
    hood.subject.now = 20;
    hood.answer([hood.x]);
    // The next ping goes out 5 s after the first; the floor of the time-out is 1 s.
    hood.pass(6_000 - 20);
    expect(hood.subject.sent('ping', hood.x)).toHaveLength(2);
    hood.pass(999);
    expect(hood.isSuspect).toBe(false);
    hood.pass(1);
    expect(hood.isSuspect).toBe(true);
    hood.subject.say(hood.x, { type: 'same', round: 1 });
    expect(hood.isSuspect).toBe(false);
    expect(hood.subject.closes).toEqual([]);
  });

  test('later where round trips are long', () => {
    const hood = new Neighbourhood();
    hood.pass(800);
    hood.answer([hood.x]);
    // 800 ms, and four times half of it.
    hood.pass(5_000 + 2 * 2_400 - 1 - 800);
    expect(hood.isSuspect).toBe(false);
    hood.pass(1);
    expect(hood.isSuspect).toBe(true);
  });

  test('not while we are held up ourselves, however long', () => {
    const hood = new Neighbourhood();
    hood.answer([hood.x]);
    hood.pass(5_100);
    hood.subject.now += 60_000;
    hood.subject.take({ kind: 'wake' });
    hood.pass(900);
    expect([hood.isSuspect, hood.subject.closes]).toEqual([false, []]);
    // Awake, we have the usual time.
    hood.pass(1_100);
    expect(hood.isSuspect).toBe(true);
  });

  test.each([
    [undefined, true],
    ['LEAVING', true],
    ['OVERLOADED', false],
  ])('when a link ends with %s: %s', (code, expected) => {
    const hood = new Neighbourhood('A');
    if (code !== undefined) hood.subject.say(hood.x, { type: 'goodbye', code, reason: 'bye' });
    hood.lose();
    expect(hood.isSuspect).toBe(expected);
  });
});

describe('a peer whose link has ended', () => {
  test('is down when it was silent for pingTimeoutMs, dials failed and three neighbours have not heard it', () => {
    const hood = new Neighbourhood('A', 'B', 'C', 'D');
    hood.pass(300);
    hood.lose();
    hood.subject.pass(0);
    const asked = hood.others.filter((link) => hood.subject.sent('probe', link).length === 1);
    expect(asked).toHaveLength(3);
    hood.pass(14_600, () => null);
    expect([hood.isSuspect, hood.isDown]).toEqual([true, false]);
    hood.pass(2_500, () => 14_000);
    expect([hood.isSuspect, hood.isDown]).toEqual([false, true]);
    expect(hood.subject.notes.filter((note) => note === 'peer-down')).toHaveLength(1);
    // Back again, even as another process.
    hood.subject.meet('X', { hello: { session: id('n') as SessionId } });
    expect([hood.isSuspect, hood.isDown]).toEqual([false, false]);
  });

  test('is not down while anybody hears it', () => {
    const hood = new Neighbourhood('A', 'B', 'C');
    hood.lose();
    const [, hears] = hood.others;
    hood.pass(100_000, (link) => (link === hears ? 4_000 : null));
    expect([hood.isSuspect, hood.isDown]).toEqual([true, false]);
    hood.pass(20_000, () => null);
    expect(hood.isDown).toBe(true);
  });

  test('is not down while it can be reached: who answers there is another one perhaps, but somebody', () => {
    const hood = new Neighbourhood('A');
    hood.lose();
    const { subject } = hood;
    // Its dial is under way all the time.
    for (let i = 0; i < 200; i++) {
      subject.pass(100);
      hood.answer(hood.others);
    }
    expect([hood.isSuspect, hood.isDown]).toEqual([true, false]);
  });
});

test('a silent link is closed when others have heard the peer since it should have answered', () => {
  const hood = new Neighbourhood('A');
  hood.subject.now = 20;
  hood.answer([hood.x]);
  hood.pass(7_000 - 20, () => 0);
  expect(hood.subject.closes).toEqual([]);
  hood.pass(1_100, () => 0);
  expect(hood.subject.closes).toEqual([hood.x]);
  expect(hood.subject.notes).toContain('link-broken');
});

describe('a question', () => {
  const asked = (hood: Neighbourhood, peer: string): unknown => {
    const [link] = hood.others as [LinkId];
    hood.subject.clear();
    hood.subject.say(link, { type: 'probe', id: 9, peer: peerId(peer) });
    return hood.subject.sent('probed', link);
  };

  test('is answered with what we have heard, and the peer is pinged', () => {
    const hood = new Neighbourhood('A');
    hood.pass(1_300);
    expect(asked(hood, 'X')).toEqual([{ type: 'probed', id: 9, peer: X, heardMsAgo: 1_300 }]);
    expect(hood.subject.sent('ping', hood.x)).toHaveLength(1);
    hood.subject.say(hood.x, { type: 'same', round: 1 });
    expect(asked(hood, 'X')).toEqual([{ type: 'probed', id: 9, peer: X, heardMsAgo: 0 }]);
    expect(hood.subject.sent('ping', hood.x)).toHaveLength(0);
  });

  test('about somebody unknown, a peer that was lost, and ourselves', () => {
    const hood = new Neighbourhood('A');
    expect(asked(hood, 'Q')).toMatchObject([{ heardMsAgo: null }]);
    expect(asked(hood, 'M')).toMatchObject([{ heardMsAgo: 0 }]);
    hood.pass(200);
    hood.lose();
    hood.pass(500);
    expect(asked(hood, 'X')).toMatchObject([{ heardMsAgo: 700 }]);
  });

  test('that nobody asked must not be answered; a late answer is no misdeed, a second one is', () => {
    const hood = new Neighbourhood('A');
    const [link] = hood.others as [LinkId];
    const { subject } = hood;
    const isGood = (): boolean => subject.replica.core.links.get(link)?.leniency.isFull(subject.now) === true;
    hood.lose();
    subject.pass(0);
    const [probe] = subject.sent('probe', link);
    hood.pass(5_000);
    const late = { type: 'probed', id: probe?.id ?? 0, peer: X, heardMsAgo: 0 } as const;
    subject.say(link, late);
    expect(isGood()).toBe(true);
    subject.say(link, late);
    expect(isGood()).toBe(false);
    expect(hood.isSuspect).toBe(true);
  });
});
