import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { BUCKET, chunk, op, origin, peerId, shown, Subject, vector } from './builders.js';

const hasFault = (subject: Subject, link: LinkId): boolean =>
  subject.replica.core.links.get(link)?.leniency.isFull(subject.now) === false;

describe('writes of our origin that we never made', () => {
  test.each(['vectors', 'floors'] as const)('in our own stored %s: nobody is to blame', (which) => {
    const ids = { peerId: peerId('M'), origin: origin('m') };
    const before = new MemoryStorage(ids);
    const empty = { puts: [], vectors: [], floors: [], totals: [], damages: [], members: [] };
    const row = { bucket: BUCKET, origin: origin('m'), intervals: [1, 5] };
    before.commit({ ...empty, [which]: [row] });
    const storage = new MemoryStorage(ids, { snapshot: before.snapshot(), provenance: 'untouched' });
    const subject = new Subject({}, storage);
    const link = subject.meet('A');
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-1')]] });
    expect(hasFault(subject, link)).toBe(false);
    // What was dropped under it, others may hold: it is not written under any more.
    expect(subject.replica.core.origin === origin('m')).toBe(which === 'vectors');
  });

  test('in what a link tells: that is a misdeed of this link, and of no other', () => {
    const subject = new Subject();
    const [link, other] = [subject.meet('A'), subject.meet('B')];
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('m:1-9')]] });
    subject.say(other, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('')]] });
    expect([hasFault(subject, link), hasFault(subject, other)]).toEqual([true, false]);
  });

  test('in an answer to a comparison too', () => {
    const subject = new Subject();
    const [link, other] = [subject.meet('A'), subject.meet('B')];
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-1')]] });
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest');
    const mine = op('a', 1, 1, 'k');
    const claims = vector('a:1-1');
    subject.say(link, chunk({ request: asked?.request ?? 0, entries: [mine], claims, last: true }));
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-2')]] });
    subject.pass(100);
    subject.say(link, { type: 'below', request: subject.sent('deltaRequest')[0]?.request ?? 0 });
    subject.pass(1);
    const start = { vector: vector('a:1-2'), floor: vector('') };
    for (let n = 0; n < 3; n++) {
      const { request } = subject.sent('compare')[0] ?? { request: 0 };
      subject.say(link, { type: 'differ', request, n, blocks: [0], start: n === 0 ? start : null });
      subject.pass(1);
    }
    const [listing] = subject.sent('listing');
    expect(listing?.items).toMatchObject([{ key: 'k' }]);
    const { request, n } = listing ?? { request: 0, n: 0 };
    const forged = op('m', 7, 2, 'k', 'forged');
    subject.say(link, { type: 'answer', request, n, drop: [], entries: [forged], answered: 1 });
    expect(shown(subject.bucket.vector)).toBe('a:1-1 m:7-7');
    subject.say(other, { type: 'same', round: 0 });
    expect([hasFault(subject, link), hasFault(subject, other)]).toEqual([true, false]);
  });
});
