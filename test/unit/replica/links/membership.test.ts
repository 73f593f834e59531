import { describe, expect, test } from '@jest/globals';
import { RumeurError } from '../../../../src/base/errors.js';
import type { LinkId, PeerId, SessionId } from '../../../../src/base/ids.js';
import { activeLinks } from '../../../../src/replica/core.js';
import type { Reply } from '../../../../src/replica/step.js';
import { BUCKET, digestOf, helloOf, id, op, peerId, push, Subject, vector } from '../builders.js';

const A = 'http://a:1';
const B = 'http://b:1';

const goodbyes = (subject: Subject, link?: LinkId): string[] =>
  subject.sent('goodbye', link).map(({ code }) => code);
const linked = (subject: Subject): string[] =>
  activeLinks(subject.replica.core).map((link) => link.hello?.name ?? '?');

function requested(subject: Subject, kind: 'addPeer' | 'removePeer', what: string): Reply['outcome'] {
  const step =
    kind === 'addPeer'
      ? subject.take({ kind, request: 1, url: what })
      : subject.take({ kind, request: 1, target: what });
  return (step.replies[0] as Reply).outcome;
}

describe('a handshake', () => {
  test('begins with our HELLO, from both sides', () => {
    const subject = new Subject();
    for (const direction of ['in', 'out'] as const) {
      const link = subject.open({ direction, url: A });
      expect(subject.sent('hello', link)).toMatchObject([{ peer: peerId('M'), url: 'http://subject:1' }]);
    }
  });

  test.each([
    ['another cluster', { cluster: 'other' }, 'CLUSTER_MISMATCH'],
    ['another protocol', { protocol: [8, 9] as const }, 'PROTOCOL_MISMATCH'],
    ['our own id in another process', { peer: peerId('M') }, 'PEER_REFUSED'],
  ])('with %s is refused, and its address dialled more and more rarely', (_, change, code) => {
    const subject = new Subject({ peers: [A] });
    subject.take({ kind: 'wake' });
    for (let i = 0; i < 4; i++) {
      const link = subject.meet('A', { direction: 'out', url: A, hello: change });
      expect(goodbyes(subject, link)).toEqual([code]);
      expect(subject.closes.at(-1)).toBe(link);
      subject.take({ kind: 'linkClosed', link, reason: 'refused' });
    }
    expect(linked(subject)).toEqual([]);
    subject.pass(799);
    expect(subject.dials).toHaveLength(1);
    subject.pass(3_200 - 799);
    expect(subject.dials).toHaveLength(2);
  });

  test('with ourselves ends that address for good', () => {
    const subject = new Subject({ peers: ['http://localhost:1'] });
    subject.take({ kind: 'wake' });
    const { session } = subject.replica.core.self;
    const link = subject.meet('M', { direction: 'out', url: 'http://localhost:1', hello: { session } });
    subject.take({ kind: 'linkClosed', link, reason: 'refused' });
    subject.pass(100_000);
    expect(subject.dials).toHaveLength(1);
  });

  test('that does not come in time ends the link', () => {
    const subject = new Subject();
    const link = subject.open();
    subject.pass(4_999);
    expect(subject.closes).toEqual([]);
    subject.pass(1);
    expect(subject.closes).toEqual([link]);
    expect(goodbyes(subject)).toEqual(['TIMEOUT']);
  });

  test('anything else before it, and a second one, ends the link', () => {
    const early = new Subject();
    const link = early.open();
    early.say(link, push(op('a', 1, 1, 'k')));
    expect(early.closes).toEqual([link]);
    expect(early.covered).toBe('');
    const twice = new Subject();
    const met = twice.meet('A');
    twice.say(met, helloOf('A'));
    expect(twice.closes).toEqual([met]);
  });

  test('nothing is heeded on a link that is closing', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.say(link, { type: 'goodbye', code: 'LEAVING', reason: 'bye' }, push(op('a', 1, 1, 'k')));
    expect(subject.covered).toBe('');
    const step = subject.say(link, { type: 'ping', id: 1, clock: 0 });
    expect(step.sends).toEqual([]);
  });

  test('who says goodbye is not dialled while its link is about to end, but after a pause', () => {
    const subject = new Subject({ peers: [A] });
    const link = subject.meet('A', { direction: 'out', url: A });
    subject.pass(1_000);
    subject.say(link, { type: 'goodbye', code: 'LEAVING', reason: 'bye' });
    subject.dials.splice(0);
    subject.pass(500);
    expect(subject.dials).toEqual([]);
    subject.take({ kind: 'linkClosed', link, reason: 'closed' });
    subject.pass(50);
    expect(subject.dials).toEqual([]);
    subject.pass(200);
    expect(subject.dials).toEqual([A]);
  });

  test('a malformed message ends the link and says why; its peer is not dialled at once again', () => {
    const subject = new Subject({ peers: [A] });
    subject.take({ kind: 'wake' });
    const link = subject.meet('A', { direction: 'out', url: A });
    subject.take({ kind: 'received', messages: [{ link, bytes: new Uint8Array([0xc1]) }] });
    expect(goodbyes(subject)).toEqual(['PROTOCOL_MISMATCH']);
    subject.take({ kind: 'linkClosed', link, reason: 'malformed' });
    subject.pass(1_249);
    expect(subject.dials).toHaveLength(1);
  });
});

describe('one link for each pair', () => {
  test.each([
    ['Z', 'out'],
    ['A', 'in'],
  ] as const)('of dials that cross, that of the lower id stays (%s)', (letter, stays) => {
    for (const first of ['out', 'in'] as const) {
      const subject = new Subject();
      const links = { out: 0 as LinkId, in: 0 as LinkId };
      const other = first === 'out' ? 'in' : 'out';
      for (const direction of [first, other] as const) {
        links[direction] = subject.meet(letter, { direction, url: A });
      }
      expect(subject.closes).toEqual([links[stays === 'out' ? 'in' : 'out']]);
      expect(goodbyes(subject)).toEqual(['DUPLICATE']);
      expect(linked(subject)).toEqual([letter]);
      subject.clear();
      subject.write(['k', 'v']);
      expect(subject.sent('push', links[stays])).toHaveLength(1);
    }
  });

  test('a new session replaces the links of the former one', () => {
    const subject = new Subject();
    const old = subject.meet('A');
    const fresh = subject.meet('A', { hello: { session: id('n') as SessionId } });
    expect(subject.closes).toEqual([old]);
    subject.take({ kind: 'linkClosed', link: old, reason: 'replaced' });
    expect(subject.notes).not.toContain('disconnected');
    subject.clear();
    subject.write(['k', 'v']);
    expect(subject.sent('push', fresh)).toHaveLength(1);
  });

  test('when the younger of two goes, the older takes over and is told what it missed', () => {
    const subject = new Subject();
    const older = subject.meet('A', { direction: 'in' });
    subject.now = 10;
    const younger = subject.meet('A', { direction: 'in' });
    subject.clear();
    // The other side had closed it already: this write does not get through.
    subject.write(['k', 'v']);
    expect(subject.sent('push').length).toBe(1);
    subject.say(younger, { type: 'goodbye', code: 'DUPLICATE', reason: 'another stays' });
    subject.write(['l', 'w']);
    subject.take({ kind: 'linkClosed', link: younger, reason: 'duplicate' });
    expect(subject.sent('digest', older)).toHaveLength(1);
    subject.write(['m', 'x']);
    expect(subject.sent('push', older)).toHaveLength(1);
    expect(subject.notes).not.toContain('disconnected');
  });

  test('a delta under way on the link that goes is asked for on the one that stays', () => {
    const subject = new Subject();
    const older = subject.meet('A', { direction: 'in' });
    subject.say(older, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-3')]] });
    subject.now = 10;
    const younger = subject.meet('A', { direction: 'in', hello: { buckets: [digestOf('a:1-3')] } });
    subject.say(younger, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-3')]] });
    subject.pass(100);
    expect(subject.sent('deltaRequest')).toHaveLength(1);
    subject.take({ kind: 'linkClosed', link: younger, reason: 'broken' });
    subject.pass(100);
    expect(subject.sent('deltaRequest', older)).toHaveLength(1);
  });
});

describe('the limit of links', () => {
  test('refuses one too many, but not a second link to a peer that has one', () => {
    const subject = new Subject({ links: 2 });
    subject.meet('A');
    subject.meet('B');
    const third = subject.meet('C');
    expect(goodbyes(subject, third)).toEqual(['OVERLOADED']);
    subject.meet('B', { hello: { session: id('n') as SessionId } });
    expect(linked(subject).sort()).toEqual(['A', 'B']);
  });

  test('is kept by dials too, and nobody is busy meanwhile', () => {
    const subject = new Subject({ links: 2, peers: [A, B, 'http://c:1', 'http://d:1'] });
    subject.meet('X');
    subject.pass(0, 10);
    expect(subject.dials).toHaveLength(1);
    subject.pass(4_000, 50);
    subject.take({ kind: 'dialFailed', url: subject.dials[0] ?? '', reason: 'refused' });
    subject.pass(0, 10);
    expect(new Set(subject.dials).size).toBe(2);
  });

  test('links that never finish their handshake are bounded', () => {
    const subject = new Subject({ links: 2 });
    const links = Array.from({ length: 20 }, () => subject.open());
    expect(subject.closes).toEqual(links.slice(4));
  });
});

describe('dialling', () => {
  test('a configured address is dialled until it answers, then again when the link is lost', () => {
    const subject = new Subject({ peers: [A] });
    subject.take({ kind: 'wake' });
    subject.take({ kind: 'dialFailed', url: A, reason: 'refused' });
    subject.pass(400);
    expect(subject.dials).toEqual([A, A]);
    const link = subject.meet('A', { direction: 'out', url: A });
    for (let i = 0; i < 10; i++) {
      subject.pass(4_000);
      subject.say(link, { type: 'same', round: 0 });
    }
    expect(subject.dials).toHaveLength(2);
    subject.take({ kind: 'linkClosed', link, reason: 'broken' });
    subject.pass(400);
    expect(subject.dials).toHaveLength(3);
  });

  test('a peer that refuses us is left alone for long', () => {
    const subject = new Subject({ peers: [A] });
    subject.take({ kind: 'wake' });
    for (let i = 1; i <= 5; i++) {
      expect(subject.dials).toHaveLength(i);
      const link = subject.meet('A', { direction: 'out', url: A });
      subject.say(link, { type: 'goodbye', code: 'PEER_REFUSED', reason: 'removed' });
      subject.take({ kind: 'linkClosed', link, reason: 'refused' });
      subject.pass(1_249);
      expect(subject.dials).toHaveLength(i);
      subject.pass(5_000 - 1_249);
    }
  });

  test('a peer that dialled us is not dialled', () => {
    const subject = new Subject();
    subject.meet('A', { hello: { url: A } });
    subject.pass(1_000);
    expect(subject.dials).toEqual([]);
    expect(subject.replica.core.addresses.get(A)?.record).toMatchObject({
      id: peerId('A'),
      source: 'gossip',
    });
  });
});

describe('addresses that travel', () => {
  const peers = (...letters: string[]) =>
    ({
      type: 'peers',
      addresses: letters.map((l) => ({ url: `http://${l.toLowerCase()}:1`, id: peerId(l), name: l })),
    }) as const;

  test('a newcomer is told whom we know, the others are told about it', () => {
    const subject = new Subject();
    const a = subject.meet('A', { hello: { url: A } });
    const b = subject.meet('B', { hello: { url: B } });
    expect(subject.sent('peers', b)).toEqual([peers('A')]);
    subject.pass(50);
    expect(subject.sent('peers', a)).toEqual([peers('B')]);
  });

  test('hearsay goes on when its peer was met there, once', () => {
    const subject = new Subject({ addresses: 64, links: 64 });
    const [a, b] = [subject.meet('A'), subject.meet('B')] as const;
    subject.clear();
    subject.say(a, peers('C', 'D'));
    subject.say(b, peers('C', 'D'));
    expect(subject.sent('peers')).toEqual([]);
    for (let i = 0; i < 2; i++) {
      const c = subject.meet('C', { direction: 'out', url: 'http://c:1', hello: { url: 'http://c:1' } });
      subject.pass(50);
      const told = [a, b].map((link) => subject.sent('peers', link));
      expect(told).toEqual(i === 0 ? [[peers('C')], [peers('C')]] : [[], []]);
      subject.take({ kind: 'linkClosed', link: c, reason: 'broken' });
    }
    // Another one than was said.
    subject.meet('E', { direction: 'out', url: 'http://d:1' });
    subject.pass(50);
    expect(subject.sent('peers', a)).toEqual([
      { type: 'peers', addresses: [{ url: 'http://d:1', id: peerId('E'), name: 'E' }] },
    ]);
  });

  test('a neighbour is told no more of those who come than it takes, however many come', () => {
    const subject = new Subject({ addresses: 4_096, links: 64 });
    const b = subject.meet('B');
    for (let i = 0; i < 700; i++) {
      const hello = { url: `http://h${i}:1`, peer: `x${i}`.padStart(21, 'x') as PeerId };
      subject.take({ kind: 'linkClosed', link: subject.meet('Z', { hello }), reason: 'broken' });
    }
    subject.pass(1_000);
    const told = subject.sent('peers', b).map(({ addresses }) => addresses.length);
    expect(told).toEqual([256, 256]);
    subject.meet('C', { hello: { url: 'http://c:1' } });
    subject.pass(50);
    expect(subject.sent('peers', b)).toEqual([peers('C')]);
  });

  test.each([
    ['10.0.0.7 port 4000', 0],
    ['::ffff:10.0.0.7 port 4000', 0],
    ['127.0.0.1 port 4000', 2],
    ['::1 port 4000', 2],
  ])('loopback addresses from %s: %i are believed', (remote, count) => {
    const subject = new Subject();
    const link = subject.meet('A', { remote, hello: { url: 'http://127.0.0.1:3001' } });
    const addresses = [{ url: 'http://localhost:3002', id: peerId('B'), name: 'B' }];
    subject.say(link, { type: 'peers', addresses });
    expect([...subject.replica.core.addresses.active()]).toHaveLength(count);
  });

  test('addresses that are none, or ours, are not believed', () => {
    const subject = new Subject();
    const a = subject.meet('A');
    const wrong = [
      'http://c',
      'c:1',
      'HTTP://C:1',
      'http://c:1/path',
      'javascript:1',
      '',
      'http://subject:1',
    ];
    subject.say(a, { type: 'peers', addresses: wrong.map((url) => ({ url, id: peerId('C'), name: '' })) });
    subject.say(a, { type: 'peers', addresses: [{ url: 'http://c:1', id: peerId('M'), name: 'us' }] });
    expect([...subject.replica.core.addresses.active()]).toEqual([]);
  });

  test('without discovery nothing is told or believed', () => {
    const subject = new Subject({ discovery: false });
    const a = subject.meet('A', { hello: { url: A } });
    subject.meet('B', { hello: { url: B } });
    subject.say(a, peers('C'));
    expect(subject.sent('peers')).toEqual([]);
    expect([...subject.replica.core.addresses.active()]).toEqual([]);
  });
});

describe('removing a peer', () => {
  test('closes its link, keeps its dials and its addresses out, until it is added', () => {
    const subject = new Subject({ peers: [A] });
    subject.take({ kind: 'wake' });
    const link = subject.meet('A', { direction: 'out', url: A });
    const b = subject.meet('B');
    expect(requested(subject, 'removePeer', A)).toEqual({ kind: 'done' });
    expect(subject.closes).toEqual([link]);
    subject.take({ kind: 'linkClosed', link, reason: 'removed' });
    subject.say(b, { type: 'peers', addresses: [{ url: 'http://a2:1', id: peerId('A'), name: 'A' }] });
    const again = subject.meet('A');
    expect(goodbyes(subject, again)).toEqual(['PEER_REFUSED']);
    subject.take({ kind: 'linkClosed', link: again, reason: 'refused' });
    subject.pass(10_000);
    expect(subject.dials).toEqual([A]);
    requested(subject, 'addPeer', A);
    subject.pass(0);
    expect(subject.dials).toEqual([A, A]);
    subject.meet('A', { direction: 'out', url: A });
    expect(linked(subject)).toContain('A');
  });

  test('by id, of a peer that only ever dialled us', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    requested(subject, 'removePeer', peerId('A'));
    expect(subject.closes).toEqual([link]);
    subject.take({ kind: 'linkClosed', link, reason: 'removed' });
    expect(goodbyes(subject, subject.meet('A'))).toContain('PEER_REFUSED');
  });

  test('while its dial is under way: it is turned away when it answers, and then known by its id', () => {
    const subject = new Subject({ peers: [A] });
    subject.take({ kind: 'wake' });
    const opened = subject.open({ direction: 'out', url: A });
    requested(subject, 'removePeer', A);
    expect(subject.closes).toEqual([]);
    // It calls itself otherwise than we do.
    subject.say(opened, helloOf('A', { url: 'http://127.0.0.1:1' }));
    expect(subject.closes).toEqual([opened]);
    subject.take({ kind: 'linkClosed', link: opened, reason: 'refused' });
    subject.clear();
    expect(goodbyes(subject, subject.meet('A'))).toEqual(['PEER_REFUSED']);
    subject.pass(60_000);
    expect(subject.dials).toEqual([A]);
  });

  test('that nobody knows is an error', () => {
    const subject = new Subject();
    for (const target of [A, peerId('A')]) {
      expect(requested(subject, 'removePeer', target)).toBeInstanceOf(RumeurError);
    }
    expect(requested(subject, 'removePeer', A)).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('leaving', () => {
  test('says goodbye everywhere, dials nobody and refuses who comes', () => {
    const subject = new Subject({ peers: [A] });
    const [a, b] = [subject.meet('A'), subject.meet('B')] as const;
    const step = subject.take({ kind: 'leave' });
    expect(goodbyes(subject)).toEqual(['LEAVING', 'LEAVING']);
    expect(step.closes.map(({ link }) => link)).toEqual([a, b]);
    subject.pass(60_000);
    expect(subject.dials).toEqual([]);
    const late = subject.open();
    expect(goodbyes(subject, late)).toEqual(['LEAVING']);
  });
});
