import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import { MAX_MISSING } from '../../../src/protocol/limits.js';
import { BUCKET, chunk, digestOf, EPOCH, op, Subject, vector } from './builders.js';
import { SpoiltStore } from './spoilt-store.js';

/** A replica over a store that can be spoilt, and its one neighbour, which has `x` and `y` as well. */
function pair(): { subject: Subject; storage: SpoiltStore; link: LinkId } {
  const storage = new SpoiltStore();
  const subject = new Subject({}, storage);
  const link = subject.meet('A', { hello: { buckets: [digestOf('a:1-2')] } });
  subject.learn(link, op('a', 1, 1, 'x'), op('a', 2, 2, 'y'));
  return { subject, storage, link };
}

function lose(subject: Subject, storage: SpoiltStore, key: string): void {
  storage.spoil(key);
  subject.take({ kind: 'damaged', bucket: BUCKET, key });
  subject.clear();
}

const covers = (covered: string, reply = false) =>
  ({ type: 'vectors', reply, buckets: [[BUCKET, vector(covered)]] }) as const;

/** Lets seconds pass, in which the neighbour is there and tells what it covers, and sends no data. */
function wait(subject: Subject, link: LinkId, seconds: number, covered: string): void {
  for (let i = 0; i < seconds; i++) {
    subject.pass(1000);
    subject.say(link, { type: 'pong', id: 0, clock: EPOCH + subject.now });
    if (subject.sent('digest', link).length > 0) subject.say(link, covers(covered, true));
  }
}

describe('a lost row (rule 15) is not given up', () => {
  test('while a neighbour that covers it is slow to send it', () => {
    const { subject, storage, link } = pair();
    lose(subject, storage, 'y');
    wait(subject, link, 200, 'a:1-2');
    expect(subject.notes).toContain('delta-stalled');
    expect(subject.notes).not.toContain('row-lost');
  });

  test('because a delta did not bring it that was asked for before it was lost', () => {
    const { subject, storage, link } = pair();
    subject.say(link, covers('a:1-3'));
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest', link);
    lose(subject, storage, 'y');
    const heldUntil = EPOCH + 3_600_000;
    subject.say(link, chunk({ request: asked?.request ?? 0, exact: true, last: true, heldUntil }));
    subject.pass(100);
    expect(subject.sent('deltaRequest', link).map(({ missing }) => missing?.length)).toEqual([1]);
  });
});

test('of more lost rows than one request may name, all are asked for by name, in turn', () => {
  const storage = new SpoiltStore();
  const subject = new Subject({}, storage);
  const link = subject.meet('A', { hello: { buckets: [digestOf('a:1-2')] } });
  const keys = Array.from({ length: MAX_MISSING + 10 }, (_, i) => `k${i}`);
  subject.learn(link, ...keys.map((key, i) => op('a', i + 1, i + 1, key)));
  for (const key of keys) lose(subject, storage, key);
  subject.say(link, covers(`a:1-${keys.length}`));
  const named: number[] = [];
  for (let i = 0; i < 5; i++) {
    subject.pass(100);
    for (const { request, missing = [] } of subject.sent('deltaRequest', link)) {
      named.push(missing.length);
      subject.say(link, chunk({ request, exact: true, last: true }));
    }
  }
  // It has none of them, and is asked again after a while only.
  expect(named).toEqual([MAX_MISSING, 10]);
});
