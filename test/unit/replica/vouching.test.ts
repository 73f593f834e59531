import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import { STAMP_ZERO } from '../../../src/data/stamp.js';
import type { Chunk, MissingEntry } from '../../../src/protocol/messages.js';
import { BUCKET, chunk, dotsOf, EPOCH, op, request, shown, Subject, vector } from './builders.js';
import { SpoiltStore } from './spoilt-store.js';

/** What a damaged peer says that it has lost. */
const missing = (...ops: ReturnType<typeof op>[]): MissingEntry[] =>
  ops.map(({ origin, seq, stamp, key }) => ({ origin, seq, stamp, key }));

const line = (c: Chunk): string =>
  `${dotsOf(c.entries)} | ${shown(c.claims)}${c.exact ? ' exact' : ''}${c.last ? ' last' : ''}`;

/** A source that has lost what stands under one of its keys, and who asks. */
function damagedSource(
  spoilt: string,
  ops: ReturnType<typeof op>[],
  policy: 'lww' | 'fww' = 'lww',
): { source: Subject; storage: SpoiltStore; link: LinkId } {
  const storage = new SpoiltStore();
  const source = new Subject({ deltaChunkBytes: 10_000, buckets: { [BUCKET]: { policy } } }, storage);
  const other = source.meet('O', { hello: { buckets: [] } });
  source.learn(other, ...ops);
  storage.spoil(spoilt);
  source.take({ kind: 'damaged', bucket: BUCKET, key: spoilt });
  const link = source.meet('A');
  source.clear();
  return { source, storage, link };
}

function answer(source: Subject, link: LinkId, change: Parameters<typeof request>[0]): string {
  source.say(link, request(change));
  source.take({ kind: 'wake' });
  return source.sent('chunk', link).map(line).join(' + ');
}

describe('rule 15: a damaged source vouches for what the requester has lost', () => {
  // b.1 has superseded a.1; what stood under y is lost.
  const [first, second, lost] = [op('a', 1, 1, 'x'), op('b', 1, 5, 'x'), op('a', 2, 3, 'y')];

  test('where it has been superseded under another key than the one it misses something of', () => {
    const { source, link } = damagedSource('y', [first, lost, second]);
    expect(answer(source, link, {})).toBe('b1 |  exact last');
    expect(answer(source, link, { missing: missing(first) })).toBe('b1 | a:1-1 exact last');
    // Not for what it does not cover, be it lost or never seen; nor for what the requester covers.
    const strange = missing(lost, op('c', 7, 1, 'x'));
    expect(answer(source, link, { missing: strange })).toBe('b1 |  exact last');
    expect(answer(source, link, { missing: missing(first), vector: vector('a:1-1 b:1-1') })).toBe(
      ' |  exact last',
    );
  });

  test.each([
    ['it misses a lesser write than was lost', 3, 'y', 'c1 | b:1-1 exact last'],
    ['it misses a greater one, which may have superseded that', 20, 'y', 'c1 |  exact last'],
    ['the requester does not know its stamp', undefined, 'y', 'c1 |  exact last'],
  ])('of the same key: when %s', (_, at, key, said) => {
    // a.1 is lost here, and stood between b.1 and c.1 or below both.
    const own = op('a', 1, at ?? 3, key);
    const { source, link } = damagedSource(key, [own]);
    const theirs = op('b', 1, 10, key);
    const greatest = op('c', 1, 30, key);
    source.learn(source.meet('B'), theirs, greatest);
    source.clear();
    const named = missing(theirs).map((one) => (at === undefined ? { ...one, stamp: STAMP_ZERO } : one));
    expect(answer(source, link, { missing: named })).toBe(said);
  });

  test('of the same key, but for a further entry that is found to be gone only then', () => {
    const { source, storage, link } = damagedSource('y', [lost]);
    const theirs = op('b', 1, 10, 'y');
    source.learn(source.meet('B'), theirs, op('c', 1, 30, 'y'));
    storage.spoil('y', 'gone');
    source.clear();
    expect(answer(source, link, { missing: missing(theirs) })).toBe(' |  exact');
    source.take({ kind: 'wake' });
    expect(source.sent('chunk', link).map(line)).toEqual([' |  exact last']);
    expect(source.bucket.damages.size).toBe(2);
  });

  test('the other way round where the first write stands', () => {
    for (const [at, said] of [
      [20, 'c1 | b:1-1 exact last'],
      [3, 'c1 |  exact last'],
    ] as const) {
      const { source, link } = damagedSource('y', [op('a', 1, at, 'y')], 'fww');
      const theirs = op('b', 1, 10, 'y');
      source.learn(source.meet('B'), theirs, op('c', 1, 1, 'y'));
      source.clear();
      expect(answer(source, link, { missing: missing(theirs) })).toBe(said);
      const unknown = missing(theirs).map((one) => ({ ...one, stamp: STAMP_ZERO }));
      expect(answer(source, link, { missing: unknown })).toBe('c1 |  exact last');
    }
  });

  test('not while rows of it are being looked up, and not beyond a horizon or a floor', () => {
    const ops = [first, lost, second];
    const looking = damagedSource('y', ops);
    looking.source.bucket.damages.isUnsettled = true;
    looking.source.say(looking.link, request({ missing: missing(first) }));
    // The search would end in that turn.
    const [said] = looking.source.take({ kind: 'wake' }).sends;
    expect(said).toBeDefined();
    expect(looking.source.sent('chunk').map(line)).toEqual(['b1 |  exact last']);

    const { source, link } = damagedSource('y', [...ops, op('b', 2, 50_000, 'w')]);
    const horizon = EPOCH + 1000;
    expect(answer(source, link, { missing: missing(first), horizon })).toBe('b1 |  exact last');

    const below = damagedSource('y', ops);
    below.source.bucket.floor.add(first.origin, 9, 9);
    expect(answer(below.source, below.link, { missing: missing(first) })).toBe('b1 |  exact last');
    const floor = vector('a:9-9');
    expect(answer(below.source, below.link, { missing: missing(first), floor })).toBe(
      'b1 | a:1-1 exact last',
    );
  });

  test('as many names as a request may hold are looked at once', () => {
    const { source, storage, link } = damagedSource('y', [first, lost, second]);
    const names = Array.from({ length: 1024 }, (_, i) => op('a', 1 + (i % 2), i, `k${i}`));
    storage.rowsRead = 0;
    expect(answer(source, link, { missing: missing(...names) })).toMatch(/ exact last$/);
    expect(storage.rowsRead).toBeLessThan(20);
    source.say(link, request({ missing: missing(...names, first) }));
    expect(source.closes).toEqual([link]);
  });
});

describe('rule 15: who has lost something', () => {
  const FUTURE = 3_600_000;

  /** Has lost a.1 under x and a.2 under y, and has asked a neighbour that covers both, and more. */
  function asking(): {
    subject: Subject;
    storage: SpoiltStore;
    link: LinkId;
    request: number;
    named: readonly MissingEntry[];
  } {
    const storage = new SpoiltStore();
    const subject = new Subject({}, storage);
    const link = subject.meet('A');
    subject.learn(link, op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('a', 3, 3, 'z'));
    for (const key of ['x', 'y']) {
      storage.spoil(key);
      subject.take({ kind: 'damaged', bucket: BUCKET, key });
    }
    subject.clear();
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-3 b:1-2')]] });
    subject.pass(100);
    const [asked] = subject.sent('deltaRequest', link);
    return { subject, storage, link, request: asked?.request ?? 0, named: asked?.missing ?? [] };
  }

  test('names it, and covers of it what the other side vouches for, and nothing else', () => {
    const { subject, storage, link, request: asked, named } = asking();
    // Lost after the request, which says that it is there.
    storage.spoil('z');
    subject.take({ kind: 'damaged', bucket: BUCKET, key: 'z' });
    expect(named).toEqual(missing(op('a', 1, 1, 'x'), op('a', 2, 2, 'y')));
    const entries = [op('b', 2, 9, 'x')];
    const claims = vector('a:1-1,3-3 b:1-1 c:1-9');
    subject.say(link, chunk({ request: asked, entries, claims, exact: true, last: true }));
    expect(subject.covered).toBe('a:1-1 b:2-2');
    expect([...subject.bucket.damages.values()]).toMatchObject([{ key: 'y' }, { key: 'z' }]);
    // By what it was superseded we need not have learnt.
    expect(subject.bucket.floor).toEqual(vector('a:1-1'));
  });

  test('does not name what the other side does not cover', () => {
    const { subject } = asking();
    const b = subject.meet('B');
    subject.say(b, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:2-3 b:1-4')]] });
    subject.take({ kind: 'linkClosed', link: 1 as LinkId, reason: 'gone' });
    subject.pass(100);
    expect(subject.sent('deltaRequest', b)[0]?.missing).toEqual(missing(op('a', 2, 2, 'y')));
  });

  test('covers nothing of a key of which it has held back what superseded the lost entry', () => {
    const { subject, link, request: asked } = asking();
    const entries = [op('b', 2, FUTURE, 'x')];
    const claims = vector('a:1-2');
    subject.say(link, chunk({ request: asked, entries, claims, exact: true, last: true }));
    // x is held back; y was superseded by something else.
    expect(subject.covered).toBe('a:2-3');
    expect(subject.get('x')).toBeUndefined();
  });
});
