import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import type { PeerState, PeerSync } from '../../../src/api/service.js';
import { syncOf } from '../../../src/api/peer-sync.js';
import { bucketsOf, peersOf, surroundingsOf } from '../../../src/api/status.js';
import { YOUNG_MS } from '../../../src/replica/links/places.js';
import { activeLinks } from '../../../src/replica/core.js';
import { BUCKET, digestOf, EPOCH, op, peerId, push, Subject, vector } from '../replica/builders.js';
import { member, tell } from '../replica/members.builders.js';

/** Whether a peer takes itself for in sync, and how many writes each neighbour lacks as far as it knows. */
function judged({ replica }: Subject): [boolean | undefined, number[]] {
  const { core, members } = replica;
  const links = activeLinks(core);
  const { inSync } = bucketsOf(core, links, false, members, core.view)[BUCKET] ?? {};
  return [inSync, syncOf(core, links, replica).map(({ ahead }) => ahead)];
}

test('what has come since two were equal counts as there, until they are found to differ', () => {
  const subject = new Subject();
  const equal = { hello: { buckets: [digestOf('')] } };
  const a = subject.meet('A', { ...equal, url: 'http://a:1' });
  const b = subject.meet('B', { ...equal, url: 'http://b:1' });
  subject.learn(a, op('a', 1, 1, 'x'));
  subject.say(b, { type: 'prune', origins: [op('a', 1, 1, 'x').origin] });
  subject.say(a, push(op('a', 2, 2, 'y')));
  expect(judged(subject)).toEqual([true, [0, 0]]);
  subject.say(b, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-1')]] });
  expect(judged(subject)).toEqual([false, [0, 1]]);
  subject.say(b, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-2')]] });
  expect(judged(subject)).toEqual([true, [0, 0]]);
});

/** A crowd: hardly any links are wanted, and neighbours are linked to many. */
class Crowded extends Subject {
  readonly x = this.meet('X', { hello: { url: 'http://x:1' } });

  constructor() {
    super({ meshPeers: 2, degree: 2, links: 16 });
    for (const letter of ['A', 'B', 'C'])
      this.meet(letter, { hello: { url: `http://${letter}:1`, crowd: 8 } });
    // Who has only just come makes no crowd.
    this.pass(YOUNG_MS + 1);
    tell(this, this.x, member('X', 0, '', { url: 'http://x:1' }));
    expect(this.replica.isCrowded).toBe(true);
  }

  stateOf(letter: string): PeerState | undefined {
    const { core } = this.replica;
    return peersOf(core, activeLinks(core), this.replica).find(({ id }) => id === peerId(letter))?.state;
  }

  /** Whatever is dialled is not there. */
  failDials(): void {
    for (const url of this.dials.splice(0)) this.take({ kind: 'dialFailed', url, reason: 'refused' });
  }
}

test('a member of a crowd that was killed is suspect until the verdict, also when its address is forgotten', () => {
  const crowd = new Crowded();
  expect(crowd.stateOf('X')).toBe('connected');
  crowd.take({ kind: 'linkClosed', link: crowd.x, reason: 'broken' });
  const seen = new Set<string | undefined>();
  let isForgotten = false;
  while (!crowd.replica.liveness.isDown(peerId('X'))) {
    seen.add(crowd.stateOf('X'));
    crowd.pass(100);
    crowd.failDials();
    isForgotten ||= crowd.replica.core.addresses.get('http://x:1') === undefined;
  }
  expect([isForgotten, [...seen], crowd.stateOf('X')]).toEqual([true, ['suspect'], 'down']);
});

/** A neighbour A that had the same when they last compared, and announced that at 1 s; now it is 10 s. */
class Pair extends Subject {
  readonly a: LinkId;

  constructor() {
    super();
    this.a = this.meet('A', { hello: { buckets: [digestOf('')], url: 'http://a:1' } });
    tell(this, this.a, member('A', 1_000));
    this.#keepUpUntil(10_000);
  }

  #keepUpUntil(until: number): void {
    while (this.now < until) {
      this.pass(100);
      for (const { id } of this.sent('ping', this.a))
        this.say(this.a, { type: 'pong', id, clock: EPOCH + this.now });
    }
  }

  writeSome(count: number): void {
    for (let i = 0; i < count; i++) this.write([`${this.now} ${i}`, 'x']);
  }

  lose(): void {
    this.take({ kind: 'linkClosed', link: this.a, reason: 'broken' });
  }

  get shown(): Partial<PeerSync> {
    const { core } = this.replica;
    const peers = syncOf(core, activeLinks(core), this.replica);
    const { ahead = NaN, unconfirmed, asOf } = peers.find(({ name }) => name === 'A') ?? {};
    return { ahead, ...(unconfirmed === undefined ? {} : { unconfirmed }), ...(asOf ? { asOf } : {}) };
  }
}

describe('of a peer without a link is told', () => {
  test('what it had when its link ended', () => {
    const pair = new Pair();
    pair.writeSome(3);
    expect(pair.shown).toEqual({ ahead: 0 });
    pair.say(pair.a, { type: 'goodbye', code: 'LEAVING', reason: 'bye' });
    pair.lose();
    const asOf = { at: EPOCH + 10_000, by: 'link' };
    expect(pair.shown).toEqual({ ahead: 0, asOf });
    pair.pass(3_000);
    pair.writeSome(5);
    expect(pair.shown).toEqual({ ahead: 5, asOf });
  });

  test('what it announced, if that was later', () => {
    const pair = new Pair();
    pair.lose();
    pair.pass(5_000);
    pair.writeSome(2);
    const b = pair.meet('B');
    tell(pair, b, member('A', 14_000, 'm:1-1'));
    expect(pair.shown).toEqual({ ahead: 1, asOf: { at: EPOCH + 14_000, by: 'announcement' } });
  });

  test('nothing of what it was never asked about', () => {
    const subject = new Subject();
    const a = subject.meet('A', { hello: { url: 'http://a:1' } });
    subject.take({ kind: 'linkClosed', link: a, reason: 'broken' });
    subject.write(['k', 'v']);
    const { core } = subject.replica;
    expect(syncOf(core, [], subject.replica)).toMatchObject([{ name: 'A', ahead: 0 }]);
  });
});

test('what came since a silent neighbour last answered is not taken for received', () => {
  const pair = new Pair();
  const isInSync = (): boolean | undefined => judged(pair)[0];
  pair.writeSome(5);
  expect([isInSync(), pair.shown]).toEqual([true, { ahead: 0 }]);
  pair.pass(8_000);
  expect([isInSync(), pair.shown]).toEqual([false, { ahead: 0, unconfirmed: 5 }]);
  pair.writeSome(1);
  pair.lose();
  expect(pair.shown).toMatchObject({ ahead: 0, unconfirmed: 6, asOf: { by: 'link' } });
});

describe('who is around', () => {
  const around = ({ replica }: Subject): ReturnType<typeof surroundingsOf> =>
    surroundingsOf(replica.core, activeLinks(replica.core), replica);

  test('also at addresses where nobody was met, unless whoever is linked says that it is there', () => {
    const subject = new Subject({ peers: ['http://a:1', 'http://b:1'] });
    subject.pass(0);
    expect(around(subject)).toEqual({
      unmet: [
        { url: 'http://a:1', state: 'connecting' },
        { url: 'http://b:1', state: 'connecting' },
      ],
    });
    for (let i = 0; i < 40; i++) {
      for (const url of subject.dials.splice(0)) subject.take({ kind: 'dialFailed', url, reason: 'refused' });
      subject.pass(1_000);
    }
    subject.meet('B', { hello: { url: 'http://b:1' } });
    expect(around(subject)).toEqual({ unmet: [{ url: 'http://a:1', state: 'down' }] });
  });

  test('and in a crowd how many links are wanted', () => {
    expect(around(new Crowded())).toEqual({ linksWanted: { least: 2, most: 2 } });
  });
});
