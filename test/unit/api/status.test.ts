import { expect, test } from '@jest/globals';
import type { PeerState } from '../../../src/api/service.js';
import { bucketsOf, peersOf, syncOf } from '../../../src/api/status.js';
import { activeLinks } from '../../../src/replica/core.js';
import { BUCKET, digestOf, op, peerId, push, Subject, vector } from '../replica/builders.js';
import { member, tell } from '../replica/members.builders.js';

/** Whether a peer takes itself for in sync, and how many writes each neighbour lacks as far as it knows. */
function judged({ replica }: Subject): [boolean | undefined, number[]] {
  const { core, members, liveness } = replica;
  const links = activeLinks(core);
  const health = { liveness, members, isCrowded: false };
  const { inSync } = bucketsOf(core, links, false, members)[BUCKET] ?? {};
  return [inSync, syncOf(core, links, health).map(({ ahead }) => ahead)];
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
    for (const letter of ['A', 'B', 'C']) this.meet(letter, { hello: { url: `http://${letter}:1`, crowd: 8 } });
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
