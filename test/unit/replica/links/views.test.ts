import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../../src/base/ids.js';
import { activeLinks } from '../../../../src/replica/core.js';
import { encodeMessage } from '../../../../src/protocol/codec.js';
import type { Message } from '../../../../src/protocol/messages.js';
import { peerId, Subject } from '../builders.js';
import { addressOf, crowded, goodbyes, known, LETTERS, madeUp, names } from './crowd.js';

describe('a crowd', () => {
  test('is what more than half of the neighbours say; more peers than links alone are none', () => {
    const subject = new Subject({ links: 64, addresses: 512, meshPeers: 10 });
    subject.meet('A', { direction: 'out', url: 'http://a:1', hello: { crowd: 100 } });
    expect(subject.replica.isCrowded).toBe(true);
    const other = new Subject({ links: 64, addresses: 512, meshPeers: 10 });
    for (const letter of ['A', 'B', 'C'])
      other.meet(letter, {
        direction: 'out',
        url: addressOf(letter).url,
        hello: { crowd: letter === 'B' ? 100 : 0 },
      });
    const [a] = activeLinks(other.replica.core);
    other.say(a?.id as LinkId, { type: 'peers', addresses: madeUp(0, 100) });
    expect(other.replica.isCrowded).toBe(false);
  });

  test('is a mesh again when fewer than four fifths of the bound are left, not before', () => {
    const subject = new Subject({ links: 64, addresses: 512, meshPeers: 10 });
    const links = LETTERS.slice(0, 11).map((letter) => subject.meet(letter, { hello: addressOf(letter) }));
    subject.pass(5_001);
    expect(subject.replica.isCrowded).toBe(true);
    const isCrowdAfter = (losses: number): boolean => {
      for (let i = 0; i < losses; i++) {
        const link = links.pop() as LinkId;
        const { hello } = subject.replica.core.links.get(link) ?? {};
        subject.take({ kind: 'removePeer', request: 1, target: hello?.peer ?? '' });
        subject.take({ kind: 'linkClosed', link, reason: 'removed' });
      }
      return subject.replica.isCrowded;
    };
    expect(isCrowdAfter(3)).toBe(true);
    expect(isCrowdAfter(1)).toBe(false);
  });

  test('never without discovery: links stay as people named them', () => {
    expect(crowded(12, { discovery: false }).replica.isCrowded).toBe(false);
  });
});

describe('the active view', () => {
  test('is filled at once when links are lost, with more dials the more fail', () => {
    const subject = crowded(7);
    const [link] = activeLinks(subject.replica.core);
    subject.say(link?.id as LinkId, { type: 'peers', addresses: madeUp(0, 18) });
    subject.pass(1);
    expect(subject.dials).toEqual([]);
    for (const { id } of activeLinks(subject.replica.core).slice(0, 3)) {
      subject.take({ kind: 'linkClosed', link: id, reason: 'broken' });
    }
    subject.pass(1);
    // Six are wanted, four are left.
    expect(subject.dials).toHaveLength(2);
    for (const url of subject.dials.splice(0)) subject.take({ kind: 'dialFailed', url, reason: 'refused' });
    subject.pass(1);
    expect(subject.dials).toHaveLength(6);
  });

  test('is filled although dials to those that were lost come to nothing', () => {
    const subject = crowded(7);
    for (const { id } of activeLinks(subject.replica.core).slice(0, 3)) {
      subject.take({ kind: 'linkClosed', link: id, reason: 'broken' });
    }
    subject.pass(1_000);
    expect(subject.dials.splice(0)).toHaveLength(3);
    const [link] = activeLinks(subject.replica.core);
    subject.say(link?.id as LinkId, { type: 'peers', addresses: madeUp(0, 10) });
    subject.pass(0);
    expect(subject.dials).toHaveLength(2);
  });

  test('and there is room for others beside dials to very many that were lost', () => {
    const subject = crowded(20, { degree: 16 });
    for (const { id } of activeLinks(subject.replica.core).slice(1)) {
      subject.take({ kind: 'linkClosed', link: id, reason: 'broken' });
    }
    subject.pass(1_000);
    expect(subject.dials.splice(0)).toHaveLength(8);
    const [link] = activeLinks(subject.replica.core);
    subject.say(link?.id as LinkId, { type: 'peers', addresses: madeUp(0, 10) });
    subject.pass(0);
    expect(subject.dials.filter((url) => url.startsWith('http://10.')).length).toBeGreaterThan(4);
  });

  test('is renewed when nothing is missing: about once a minute one more address is tried', () => {
    const subject = crowded(7);
    const [link] = activeLinks(subject.replica.core);
    subject.say(link?.id as LinkId, { type: 'peers', addresses: madeUp(0, 10) });
    subject.pass(20_000);
    expect(subject.dials).toEqual([]);
    subject.pass(100_000);
    expect([1, 2, 3, 4]).toContain(subject.dials.length);
  });

  test('is cut down to the degree by and by, at random, and nobody that people named goes', () => {
    const subject = crowded(12, { peers: ['http://a:1', 'http://b:1'] });
    for (const letter of ['A', 'B'])
      subject.replica.core.addresses.reached(addressOf(letter).url, peerId(letter), letter);
    expect(names(subject)).toHaveLength(12);
    subject.pass(20_000);
    expect(names(subject)).toHaveLength(8);
    expect(names(subject)).toEqual(expect.arrayContaining(['A', 'B']));
    expect(new Set(goodbyes(subject))).toEqual(new Set(['SURPLUS']));
    expect(LETTERS.slice(0, 12).some((letter) => subject.replica.liveness.isSuspect(peerId(letter)))).toBe(
      false,
    );
  });

  test('has room for who has no other link, not for others when it is full', () => {
    const subject = crowded(12);
    subject.meet('Y', { hello: { ...addressOf('Y'), links: 1 } });
    expect(goodbyes(subject)).toEqual(['OVERLOADED']);
    // It hears where there may be room.
    expect(subject.sent('peers').length).toBeGreaterThan(0);
    subject.meet('Z', { hello: { ...addressOf('Z'), links: 0 } });
    expect(goodbyes(subject)).toEqual(['SURPLUS']);
    expect(names(subject)).toContain('Z');
    expect(names(subject)).toHaveLength(12);
  });

  test('does not let endless newcomers drive all others out', () => {
    const subject = crowded(12);
    subject.pass(6_000);
    const before = new Set(names(subject));
    for (let i = 0; i < 200; i++) {
      const [address] = madeUp(i, 1);
      subject.meet('Z', {
        hello: { url: address?.url ?? '', peer: address?.id ?? peerId('Z'), name: 'new' },
      });
    }
    expect(goodbyes(subject).filter((code) => code === 'SURPLUS').length).toBeLessThanOrEqual(20);
    expect(before.size).toBeGreaterThan(0);
  });
});

describe('a shuffle', () => {
  const shuffle = (hops: number, count = 8): Message => ({
    type: 'shuffle',
    id: 70,
    hops,
    crowd: 100,
    addresses: madeUp(500, count),
  });

  test('goes on under another id, and its answer comes back', () => {
    const subject = crowded(2);
    const [a, b] = activeLinks(subject.replica.core).map(({ id }) => id) as [LinkId, LinkId];
    subject.say(a, shuffle(1));
    const [sent] = subject.sent('shuffle', b);
    expect(sent).toMatchObject({ hops: 0, addresses: madeUp(500, 8) });
    expect(known(subject)).toHaveLength(2);
    subject.say(b, { type: 'shuffled', id: sent?.id ?? 0, crowd: 100, addresses: madeUp(600, 3) });
    expect(subject.sent('shuffled', a)).toMatchObject([{ id: 70, addresses: madeUp(600, 3) }]);
    // What was on its way to somebody else is not taken.
    expect(known(subject)).toHaveLength(2);
  });

  test('ends when no hop is left: what it brings is taken, and as much goes back', () => {
    const subject = crowded(2);
    const [a, b] = activeLinks(subject.replica.core).map(({ id }) => id) as [LinkId, LinkId];
    subject.say(b, { type: 'peers', addresses: madeUp(0, 12) });
    subject.clear();
    subject.say(a, shuffle(0, 4));
    const [answer] = subject.sent('shuffled', a);
    expect(answer?.addresses).toHaveLength(4);
    expect(known(subject)).toEqual(expect.arrayContaining(madeUp(500, 4).map(({ url }) => url)));
    expect(subject.sent('shuffle')).toEqual([]);
  });

  test('of our own leaves every ten seconds or so, below 1 kB, and brings what the answer says', () => {
    const subject = crowded(5);
    const [a] = activeLinks(subject.replica.core).map(({ id }) => id) as [LinkId];
    subject.say(a, { type: 'peers', addresses: madeUp(0, 15) });
    subject.clear();
    subject.pass(15_000);
    const [link, sent] =
      activeLinks(subject.replica.core)
        .map(({ id }) => [id, subject.sent('shuffle', id)[0]] as const)
        .find(([, message]) => message) ?? [];
    if (!link || !sent) throw new Error('no shuffle');
    expect(encodeMessage(sent).length).toBeLessThan(1_000);
    expect(sent.addresses).toHaveLength(8);
    expect(sent.addresses[0]).toEqual({ url: 'http://subject:1', id: peerId('M'), name: 'subject' });
    subject.say(link, { type: 'shuffled', id: sent.id, crowd: 100, addresses: [addressOf('W')] });
    expect(known(subject)).toContain('http://w:1');
  });

  test('that nobody sent must not be answered', () => {
    const subject = crowded(2);
    const [a] = activeLinks(subject.replica.core).map(({ id }) => id) as [LinkId];
    const answer: Message = { type: 'shuffled', id: 9, crowd: 0, addresses: madeUp(0, 1) };
    for (let i = 0; i < 100; i++) subject.say(a, answer);
    expect(subject.sent('goodbye', a)).toMatchObject([
      { reason: 'repeated abuse: shuffled that nobody asked for' },
    ]);
    expect(known(subject)).toHaveLength(2);
  });
});

describe('endless', () => {
  const ENDLESS: readonly (readonly [string, (i: number) => Message, number])[] = [
    ['probe', (i) => ({ type: 'probe', id: i, peer: madeUp(i, 1)[0]?.id ?? peerId('Q') }), 64],
    ['shuffle', (i) => ({ type: 'shuffle', id: i, hops: 3, crowd: 100, addresses: madeUp(16 * i, 16) }), 32],
    ['peers', (i) => ({ type: 'peers', addresses: madeUp(1_000 * i, 1_000) }), 3],
  ];

  test.each(ENDLESS)(
    '%s are left aside beyond a bound, and then end the link, by name',
    (type, message, most) => {
      const subject = crowded(4, { peers: ['http://config:1'] });
      const [a] = activeLinks(subject.replica.core).map(({ id }) => id) as [LinkId];
      let i = 0;
      for (; i < 1_000 && subject.closes.length === 0; i++) subject.say(a, message(i));
      expect(i).toBe(most + 100);
      expect(subject.closes).toEqual([a]);
      expect(subject.sent('goodbye', a)).toMatchObject([
        { code: 'PROTOCOL_MISMATCH', reason: `repeated abuse: more ${type} than anybody needs` },
      ]);
      // No more work was done than for the first of them, and what people named stays.
      const sent = subject.sent('shuffle').length + subject.sent('probed').length;
      expect(sent).toBeLessThanOrEqual(most + 4);
      expect(known(subject).length).toBeLessThanOrEqual(20);
      expect(known(subject)).toContain('http://config:1');
    },
  );
});

describe('the passive view', () => {
  test('keeps what was proven by a dial, whatever is made up', () => {
    const subject = crowded(4);
    const [a] = activeLinks(subject.replica.core).map(({ id }) => id) as [LinkId];
    const good = LETTERS.slice(10, 20).map(addressOf);
    subject.say(a, { type: 'peers', addresses: good });
    for (const { url, id, name } of good) subject.replica.core.addresses.reached(url, id, name);
    for (let i = 0; i < 40; i++) subject.say(a, { type: 'peers', addresses: madeUp(50 * i, 50) });
    expect(known(subject)).toHaveLength(20);
    expect(known(subject)).toEqual(expect.arrayContaining(good.map(({ url }) => url)));
  });

  test('is a random sample: early and late hearsay are equally likely to be in it', () => {
    const subject = crowded(2);
    const [a] = activeLinks(subject.replica.core).map(({ id }) => id) as [LinkId];
    for (let i = 0; i < 30; i++) subject.say(a, { type: 'peers', addresses: madeUp(i, 1) });
    const kept = madeUp(0, 30).filter(({ url }) => known(subject).includes(url));
    expect(kept).toHaveLength(18);
    expect(kept.some(({ url }) => url === 'http://10.0.0.29:1')).toBe(true);
    expect(kept.filter(({ url }) => Number(url.split('.')[3]?.split(':')[0]) < 18).length).toBeGreaterThan(4);
  });

  test('forgets hearsay that leads nowhere at once, and a named address never', () => {
    const subject = crowded(2, { peers: ['http://config:1'] });
    const [a] = activeLinks(subject.replica.core).map(({ id }) => id) as [LinkId];
    subject.say(a, { type: 'peers', addresses: madeUp(0, 12) });
    for (let i = 0; i < 20; i++) {
      subject.pass(2_000);
      for (const url of subject.dials.splice(0)) subject.take({ kind: 'dialFailed', url, reason: 'refused' });
    }
    expect(known(subject).filter((url) => url.startsWith('http://10.'))).toEqual([]);
    expect(known(subject)).toContain('http://config:1');
  });
});
