import { describe, expect, test } from '@jest/globals';
import { encodeMessage, unpackOps } from '../../../../src/protocol/codec.js';
import { PUSH_WINDOW_BYTES } from '../../../../src/protocol/limits.js';
import type { LinkId } from '../../../../src/base/ids.js';
import { stampAt } from '../../../../src/data/stamp.js';
import { BUCKET, dotsOf, op, origin, push, shown, Subject, vector } from '../builders.js';

/** A replica with three neighbours. */
function hub(): { subject: Subject; a: LinkId; b: LinkId; c: LinkId } {
  const subject = new Subject();
  const [a, b, c] = [subject.meet('A'), subject.meet('B'), subject.meet('C')] as const;
  subject.clear();
  return { subject, a, b, c };
}

const dotsIn = (pushes: readonly ReturnType<typeof push>[]): string[] =>
  pushes.map((p) => dotsOf(unpackOps(p.origin, p.body)));

describe('a push', () => {
  test('of our own goes to every neighbour, once', () => {
    const { subject, a, b, c } = hub();
    subject.write(['k', 'v'], ['l', 'w']);
    for (const link of [a, b, c]) expect(dotsIn(subject.sent('push', link))).toEqual(['m1 m2']);
  });

  test('that is news goes on, in the same bytes but for its hops, to all but the one it came from', () => {
    const { subject, a } = hub();
    const message = push(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'));
    const bytes = encodeMessage(message);
    const step = subject.take({ kind: 'received', messages: [{ link: a, bytes }] });
    expect(step.sends.map(({ link }) => link).sort()).toEqual([2, 3]);
    const further = encodeMessage({ ...message, hops: 2 });
    for (const sent of step.sends) expect(sent.bytes).toEqual(further);
    expect(step.sends[0]?.bytes).toBe(step.sends[1]?.bytes);
    expect(subject.data).toEqual({ x: 'x', y: 'y' });
    expect(subject.covered).toBe('a:1-2');
  });

  test('that is covered goes no further', () => {
    const { subject, a, b } = hub();
    const message = push(op('a', 1, 1, 'x'));
    subject.say(a, message);
    subject.clear();
    const step = subject.say(b, message);
    expect([step.sends, step.persist, step.changes]).toEqual([[], undefined, []]);
  });

  test('that is news in part is applied and goes on in that part', () => {
    const { subject, a, b, c } = hub();
    subject.say(a, push(op('a', 2, 2, 'y')));
    subject.clear();
    subject.say(b, push(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('a', 3, 3, 'z')));
    expect(dotsIn(subject.sent('push', c))).toEqual(['a1 a3']);
    expect(dotsIn(subject.sent('push', a))).toEqual(['a1 a3']);
    expect(subject.covered).toBe('a:1-3');
  });

  test('does not go to a neighbour that is known to cover it', () => {
    const { subject, a, b, c } = hub();
    subject.say(b, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-9')]] });
    subject.say(a, push(op('a', 1, 1, 'x')));
    expect(subject.sent('push', b)).toEqual([]);
    expect(subject.sent('push', c)).toHaveLength(1);
  });

  test('that lost against what stands is covered and goes on all the same', () => {
    const { subject, a, b } = hub();
    subject.say(a, push(op('b', 1, 50, 'k', 'newer')));
    subject.clear();
    const step = subject.say(a, push(op('a', 1, 5, 'k', 'older')));
    expect(step.changes).toEqual([]);
    expect(subject.data).toEqual({ k: 'newer' });
    expect(subject.covered).toBe('b:1-1 a:1-1'.split(' ').sort().join(' '));
    expect(subject.sent('push', b)).toHaveLength(1);
  });

  test('from the future is held back, what is beside it is not', () => {
    const { subject, a, b } = hub();
    subject.say(a, push(op('a', 1, 1, 'x'), op('a', 2, 3_600_000, 'y')));
    expect(subject.covered).toBe('a:1-1');
    expect(subject.get('y')).toBeUndefined();
    const known = linkOf(subject, a).vectors.get(BUCKET);
    expect(known && shown(known)).toBe('a:1-1');
    expect(dotsIn(subject.sent('push', b))).toEqual(['a1']);
  });

  test('that holds other operations than it says is malformed', () => {
    for (const change of [{ lo: 2 }, { hi: 4 }, { body: new Uint8Array([0x90]) }]) {
      const { subject, a } = hub();
      subject.say(a, { ...push(op('a', 1, 1, 'x'), op('a', 3, 3, 'y')), ...change });
      expect(subject.closes).toEqual([a]);
      expect(subject.covered).toBe('');
    }
  });

  test('of more values of one key beside each other than any peer writes is malformed, and costs nothing', () => {
    const beside = (count: number): ReturnType<typeof push> =>
      push(...Array.from({ length: count }, (_, i) => op('a', i + 1, i + 1, 'k')));
    for (const [count, closes] of [
      [1000, 0],
      [1001, 1],
    ] as const) {
      const subject = new Subject({ buckets: { [BUCKET]: { policy: 'siblings' } } });
      subject.say(subject.meet('A'), beside(count));
      expect([subject.closes.length, subject.covered]).toEqual([closes, closes === 1 ? '' : `a:1-${count}`]);
    }
  });

  test('of many values of one key tells its watchers of the first ones and of the last', () => {
    const subject = new Subject({ buckets: { [BUCKET]: { policy: 'siblings' } } });
    const ops = Array.from({ length: 300 }, (_, i) => op('a', i + 1, i + 1, 'k'));
    const step = subject.say(subject.meet('A'), push(...ops));
    expect(step.changes).toHaveLength(64);
    expect(step.changes.at(-1)?.cell).toHaveLength(300);
    expect(step.persist?.puts).toHaveLength(1);
  });

  test('that leaves a gap is taken also where our own damage has left very many', () => {
    const { subject, a } = hub();
    for (let seq = 1; seq < 20_000; seq += 2) subject.bucket.vector.add(origin('z'), seq, seq);
    for (let seq = 2; seq < 20_000; seq += 2)
      subject.bucket.damages.set(`z.${seq}`, { origin: origin('z'), seq, stamp: stampAt(1), key: `k${seq}` });
    subject.say(a, push(op('a', 1, 1, 'x')));
    expect(subject.closes).toEqual([]);
    expect(subject.data).toEqual({ x: 'x' });
  });

  test('of an unknown bucket is passed over', () => {
    const { subject, a } = hub();
    subject.say(a, { ...push(op('a', 1, 1, 'x')), bucket: 'other' as typeof BUCKET });
    expect([subject.covered, subject.closes]).toEqual(['', []]);
  });

  test('of many writes is split into frames', () => {
    const { subject, a } = hub();
    const value = 'v'.repeat(40_000);
    subject.write(['a', value], ['b', value], ['c', 'small'], ['d', value]);
    expect(dotsIn(subject.sent('push', a))).toEqual(['m1', 'm2 m3', 'm4']);
  });
});

describe('a neighbour that does not keep up', () => {
  test('gets no more pushes than its window holds, and a digest when it has caught up', () => {
    const { subject, a, b } = hub();
    const value = 'v'.repeat(32 * 2 ** 10);
    const writes = 1 + PUSH_WINDOW_BYTES / 2 ** 15;
    for (let i = 0; i < 2 * writes; i++) {
      subject.write([`k${i}`, value]);
      const { sent } = linkOf(subject, b).flow;
      subject.say(b, { type: 'ack', bytes: sent });
    }
    expect(subject.sent('push', b)).toHaveLength(2 * writes);
    expect(subject.sent('push', a).length).toBeLessThanOrEqual(writes);
    expect(subject.replica.core.counters.pushesDropped).toBeGreaterThan(0);
    subject.pass(100);
    subject.clear();
    subject.say(a, { type: 'ack', bytes: linkOf(subject, a).flow.sent });
    subject.pass(0);
    expect(subject.sent('digest', a)).toHaveLength(1);
    expect(linkOf(subject, a).flow.lagging).toBe(false);
  });

  test('cannot acknowledge more than was sent', () => {
    const { subject, a } = hub();
    subject.say(a, { type: 'ack', bytes: Number.MAX_SAFE_INTEGER });
    const { flow } = linkOf(subject, a);
    expect(flow.acknowledged).toBe(flow.sent);
  });

  test('is acknowledged by us now and then', () => {
    const { subject, a } = hub();
    const value = 'v'.repeat(200 * 2 ** 10);
    subject.learn(a, op('a', 1, 1, 'x', value));
    expect(subject.sent('ack', a)).toHaveLength(0);
    subject.learn(a, op('a', 2, 2, 'y', value));
    const [ack] = subject.sent('ack', a);
    expect(ack?.bytes).toBe(linkOf(subject, a).flow.received);
  });
});

test('what was pushed is known to be there', () => {
  const { subject, a } = hub();
  subject.write(['k', 'v']);
  const known = linkOf(subject, a).vectors.get(BUCKET);
  expect(known && shown(known)).toBe('m:1-1');
});

function linkOf(subject: Subject, id: LinkId) {
  const link = subject.replica.core.links.get(id);
  if (!link) throw new Error('no link');
  return link;
}
