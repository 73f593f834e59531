import { expect, test } from '@jest/globals';
import { bucketsOf, syncOf } from '../../../src/api/status.js';
import { activeLinks } from '../../../src/replica/core.js';
import { BUCKET, digestOf, op, push, Subject, vector } from '../replica/builders.js';

/** Whether a peer takes itself for in sync, and how many writes each neighbour lacks as far as it knows. */
function judged({ replica }: Subject): [boolean | undefined, number[]] {
  const { core, members, liveness } = replica;
  const links = activeLinks(core);
  const health = { liveness, members, isCrowded: false };
  const { inSync } = bucketsOf(core, links, false, members, core.view)[BUCKET] ?? {};
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
