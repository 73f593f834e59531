import { describe, expect, test } from '@jest/globals';
import { RumeurError } from '../../../src/base/errors.js';
import { dotToText } from '../../../src/data/dot.js';
import { fromAscending } from '../../../src/data/intervals.js';
import { MAX_EXACT_INTERVALS } from '../../../src/protocol/limits.js';
import { BUCKET, chunk, dotsOf, op, origin, request, Subject, vector } from './builders.js';
import { SpoiltStore } from './spoilt-store.js';

function subjectWith(...keys: string[]): {
  subject: Subject;
  storage: SpoiltStore;
  link: ReturnType<Subject['meet']>;
} {
  const storage = new SpoiltStore();
  const subject = new Subject({}, storage);
  const link = subject.meet('A');
  subject.learn(link, ...keys.map((key, i) => op('a', i + 1, i + 1, key)));
  subject.clear();
  return { subject, storage, link };
}

const hash = (subject: Subject): string => subject.bucket.fingerprint.toText();

describe('a damaged row (rule 15)', () => {
  test('is taken out and uncovered when somebody reads it, and counted no more', () => {
    const { subject, storage } = subjectWith('x', 'y', 'z');
    const without = subjectWith('x', 'w', 'z');
    storage.spoil('y');
    subject.take({ kind: 'damaged', bucket: BUCKET, key: 'y' });
    subject.take({ kind: 'wake' });
    expect(subject.covered).toBe('a:1-1,3-3');
    expect(subject.data).toEqual({ x: 'x', z: 'z' });
    expect(subject.bucket.keys).toBe(2);
    const { stamp } = op('a', 2, 2, 'y');
    expect([...subject.bucket.damages.values()]).toEqual([{ origin: origin('a'), seq: 2, stamp, key: 'y' }]);
    expect(subject.notes).toContain('row-damaged');
    without.subject.say(without.link, { type: 'cancel', request: 0, reason: '' });
    expect(hash(subject)).not.toBe(hash(without.subject));
  });

  test('while it is missing deltas bring exact dots only, and writes to its key are refused', () => {
    const { subject, storage, link } = subjectWith('x', 'y');
    storage.spoil('y');
    subject.say(link, request());
    subject.pass(1);
    const chunks = subject.sent('chunk');
    expect(dotsOf(chunks.flatMap(({ entries }) => entries))).toBe('a1');
    for (const { exact, claims } of chunks) expect([exact, claims.size]).toEqual([true, 0]);
    expect(chunks.at(-1)?.last).toBe(true);
    const refused = subject.write(['y', 'again']);
    expect(refused).toBeInstanceOf(RumeurError);
    expect(refused).toMatchObject({ code: 'DISK_FAILED' });
    expect(subject.write(['x', 'again'])).toMatchObject({ kind: 'written' });
  });

  test('comes back with the next delta, also from beyond the horizon', () => {
    const { subject, storage, link } = subjectWith('x', 'y');
    const before = hash(subject);
    storage.spoil('y');
    subject.take({ kind: 'damaged', bucket: BUCKET, key: 'y' });
    subject.clear();
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-2')]] });
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest');
    expect(asked).toMatchObject({ horizon: Number.MAX_SAFE_INTEGER, vector: vector('a:1-1') });
    subject.skew = -3_600_000;
    const entries = [op('a', 2, 2, 'y')];
    subject.say(link, chunk({ request: asked?.request ?? 0, entries, claims: vector('a:2-2'), last: true }));
    expect(subject.covered).toBe('a:1-2');
    expect(subject.bucket.damages.size).toBe(0);
    expect(subject.notes).toContain('row-repaired');
    expect(hash(subject)).toBe(before);
    subject.skew = 0;
    expect(subject.write(['y', 'again'])).toMatchObject({ kind: 'written' });
  });

  test('is found by the audit without anybody reading it', () => {
    const storage = new SpoiltStore();
    const subject = new Subject({ auditMs: 1000 }, storage);
    subject.write(['x', '1'], ['y', '2']);
    storage.spoil('y');
    subject.pass(1_500);
    expect(subject.notes).toContain('row-damaged');
    expect(subject.covered).toBe('m:1-1');
  });

  test('is found by the audit too when it is gone without a trace', () => {
    const storage = new SpoiltStore();
    const subject = new Subject({ auditMs: 1000 }, storage);
    subject.write(['x', '1'], ['y', '2']);
    storage.spoil('y', 'gone');
    subject.pass(3_500);
    expect(subject.notes).toContain('row-damaged');
    expect(subject.covered).toBe('m:1-1');
    expect(subject.bucket.keys).toBe(1);
  });

  test('of our own does not free its dot, also not over a restart', () => {
    const storage = new SpoiltStore();
    const subject = new Subject({}, storage);
    subject.write(['x', '1']);
    storage.spoil('x');
    subject.take({ kind: 'damaged', bucket: BUCKET, key: 'x' });
    expect(subject.covered).toBe('');
    const again = new Subject({}, storage.afterCrash());
    again.write(['y', '2']);
    expect(again.covered).toBe('m:2-2');
  });

  test('that nobody else has is given up by name, and the bucket is served again', () => {
    const { subject, storage, link } = subjectWith('x', 'y');
    storage.spoil('y');
    subject.take({ kind: 'damaged', bucket: BUCKET, key: 'y' });
    // As long as a neighbour covers it, it is waited for.
    subject.pass(10_000);
    subject.take({ kind: 'linkClosed', link, reason: 'gone' });
    subject.pass(40_000);
    expect(subject.notes).not.toContain('row-lost');
    subject.pass(30_000);
    expect(subject.notes).toContain('row-lost');
    expect(subject.covered).toBe('a:1-2');
    expect(subject.bucket.damages.size).toBe(0);
    const other = subject.meet('B');
    subject.clear();
    // What the lost write had superseded must go elsewhere too: whoever lacks it reconciles first.
    subject.say(other, request());
    subject.pass(1);
    expect(subject.sent('below')).toHaveLength(1);
    expect(subject.bucket.floor).toEqual(vector('a:2-2'));
    subject.say(other, request({ floor: vector('a:2-2') }));
    subject.pass(1);
    expect(subject.sent('chunk').at(-1)).toMatchObject({ last: true, exact: false });
  });

  test('one of so very many that our vector is full of gaps comes back all the same', () => {
    const { subject, storage, link } = subjectWith('x', 'y');
    storage.spoil('y');
    subject.take({ kind: 'damaged', bucket: BUCKET, key: 'y' });
    // As if ten thousand other rows had gone with it.
    const kept = Array.from({ length: 9_998 }, (_, i) => 2 * i + 4);
    subject.bucket.vector.addAll(origin('a'), fromAscending(kept));
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-20000')]] });
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest');
    const entries = [op('a', 2, 2, 'y')];
    subject.say(link, chunk({ request: asked?.request ?? 0, entries }));
    expect(subject.closes).toEqual([]);
    expect(subject.bucket.vector.covers({ origin: origin('a'), seq: 2 })).toBe(true);
  });

  test('of which the dot index knows nothing is simply taken out', () => {
    const { subject, storage } = subjectWith('x');
    storage.spoil('nothing');
    subject.take({ kind: 'damaged', bucket: BUCKET, key: 'nothing' });
    expect(subject.notes).not.toContain('row-damaged');
  });
});

test('what a chunk brings again of a cell that turns out to be damaged is taken, not only claimed', () => {
  const storage = new SpoiltStore();
  const subject = new Subject({ buckets: { [BUCKET]: { policy: 'siblings' } } }, storage);
  const link = subject.meet('A');
  subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-1 b:1-1')]] });
  subject.pass(100);
  const [asked] = subject.sent('deltaRequest');
  // It was pushed meanwhile, and its row is spoilt at once.
  const [older, newer] = [op('b', 1, 1, 'y'), op('a', 1, 9, 'y')];
  subject.learn(link, newer);
  storage.spoil('y', 'value');
  const entries = [newer, older];
  const whole = { request: asked?.request ?? 0, entries, claims: vector('a:1-1 b:1-1'), last: true };
  subject.say(link, chunk(whole));
  expect(dotsOf(storage.get(BUCKET, 'y'))).toBe('b1 a1');
  expect(subject.bucket.floor.size).toBe(0);
});

describe('very many rows that are lost', () => {
  /** Every second write of `a` from the fourth up to this one. */
  function riddled(last: number): { subject: Subject; link: ReturnType<Subject['meet']> } {
    const { subject, link } = subjectWith('x', 'y');
    const { bucket } = subject;
    bucket.vector.add(origin('a'), 1, last);
    for (let seq = 4; seq <= last; seq += 2) {
      const mark = { origin: origin('a'), seq, stamp: op('a', seq, seq, '').stamp, key: `k${seq}` };
      bucket.damages.set(dotToText(mark), mark);
    }
    const lost = fromAscending([...bucket.damages.values()].map(({ seq }) => seq));
    bucket.vector.removeAll(origin('a'), lost);
    return { subject, link };
  }

  test('do not make a sound neighbour break the protocol with what it sends of its latest writes', () => {
    const { subject, link } = riddled(20_000);
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-30000')]] });
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest');
    const entries = [op('a', 30_000, 30_000, 'last')];
    subject.say(link, chunk({ request: asked?.request ?? 0, entries, claims: vector('a:29000-30000') }));
    expect(subject.closes).toEqual([]);
    expect(subject.bucket.vector.covers({ origin: origin('a'), seq: 29_000 })).toBe(true);
  });

  test('and given up leave a floor that others may take', () => {
    const { subject, link } = riddled(9_000);
    const lost = vector('a:1-9000').minus(subject.bucket.vector);
    expect(lost.count()).toBe(4_499);
    subject.take({ kind: 'linkClosed', link, reason: 'gone' });
    subject.pass(70_000);
    const { vector: covered, floor, damages } = subject.bucket;
    expect([damages.size, covered.intervalCount()]).toEqual([0, 1]);
    expect(floor.intervalCount()).toBeLessThan(MAX_EXACT_INTERVALS + 10);
    expect(lost.within(floor) && floor.within(covered)).toBe(true);
  });
});
