import { describe, expect, jest, test } from '@jest/globals';
import type { LinkId, OriginId } from '../../../src/base/ids.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import type { Chunk } from '../../../src/protocol/messages.js';
import { BUCKET, dotsOf, EPOCH, op, request, shown, Subject, vector } from './builders.js';
import { SpoiltStore } from './spoilt-store.js';

/** A source with these writes, in chunks of one entry, and a neighbour that asks. */
function sourceOf(...ops: ReturnType<typeof op>[]): { source: Subject; link: LinkId; other: LinkId } {
  const source = new Subject();
  const other = source.meet('O');
  source.learn(other, ...ops);
  const link = source.meet('A');
  source.clear();
  return { source, link, other };
}

/** A chunk in one line: entries, claims, and what it says about itself. */
const line = (c: Chunk): string =>
  `${dotsOf(c.entries)} | ${shown(c.claims)}${c.exact ? ' exact' : ''}${c.last ? ' last' : ''}`;

function nextChunk(source: Subject, link: LinkId): string {
  source.take({ kind: 'wake' });
  return source.sent('chunk', link).map(line).join(' + ');
}

function restOf(source: Subject, link: LinkId): string[] {
  const lines: string[] = [];
  for (let next = nextChunk(source, link); next !== ''; next = nextChunk(source, link)) lines.push(next);
  return lines;
}

describe('a delta', () => {
  test('notes what the other side covers chunk by chunk, and by that time all of it', () => {
    const { source, link } = sourceOf(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('a', 3, 3, 'z'));
    const many = Array.from({ length: 2_000 }, (_, i) => String(i).padStart(21, 'x') as OriginId);
    const theirs = new VersionVector(many.map((one) => [one, [1, 1]] as const));
    const known = (): VersionVector | undefined => source.replica.core.links.get(link)?.vectors.get(BUCKET);
    source.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, new VersionVector()]] });
    source.clear();
    source.say(link, request({ vector: theirs }));
    expect(theirs.within(known() ?? new VersionVector())).toBe(true);
    const merge = jest.spyOn(VersionVector.prototype, 'merge');
    for (const text of ['a3 | a:3-3', 'a2 | a:2-2']) {
      expect(nextChunk(source, link)).toBe(text);
      expect(known()?.covers({ origin: many[0] as OriginId, seq: 1 })).toBe(true);
    }
    // However many origins there are, a chunk costs what is in it.
    expect(Math.max(...merge.mock.calls.map(([more]) => more.size))).toBe(1);
    merge.mockRestore();
    expect(shown(known()?.minus(theirs) ?? vector(''))).toBe('a:2-3');
    // What the other side covered a while ago comes late.
    source.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, theirs]] });
    expect(nextChunk(source, link)).toBe('a1 | a:1-1 last');
    expect(shown(known()?.minus(theirs) ?? vector(''))).toBe('a:1-3');
  });

  test('asked for again and again by one who covers ever more: what is known of it stays within a bound', () => {
    const { source, link } = sourceOf(op('a', 1, 1, 'x'));
    const known = (): VersionVector | undefined => source.replica.core.links.get(link)?.vectors.get(BUCKET);
    source.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, new VersionVector()]] });
    const gaps = Array.from({ length: 60_000 }, (_, i) => 3 * i + 1 + (i % 2));
    for (let i = 0; i < 5; i++) {
      const origin = String(i).padStart(21, 'x') as OriginId;
      const theirs = new VersionVector([[origin, gaps]]);
      source.say(link, request({ request: i, vector: theirs }));
      source.take({ kind: 'wake' });
      expect(theirs.within(known() ?? new VersionVector())).toBe(true);
    }
    expect(known()?.intervalCount()).toBeLessThan(100_000);
  });

  test('goes newest first by stamp, origin and seq, and claims what is sound', () => {
    // b.1 was superseded by a.2 under the key y.
    const { source, link } = sourceOf(
      op('a', 1, 10, 'x'),
      op('b', 1, 11, 'y'),
      op('b', 2, 12, 'z'),
      op('a', 2, 12, 'y'),
    );
    source.say(link, request());
    expect(restOf(source, link)).toEqual(['b2 | b:2-2', 'a2 | a:2-2', 'a1 | a:1-1 b:1-1 last']);
  });

  test('rule 1: what is written between two chunks is seen by the next one', () => {
    const { source, link, other } = sourceOf(op('d', 5, 10, 'k'), op('a', 1, 15, 'x'), op('a', 2, 20, 'y'));
    source.say(link, request());
    expect(nextChunk(source, link)).toBe('a2 | a:2-2');
    // e.1 supersedes d.5, which has not been sent: it comes next, before anything claims d.5.
    source.learn(other, op('e', 1, 30, 'k'));
    expect(restOf(source, link)).toEqual(['e1 | e:1-1', 'a1 | a:1-1 d:5-5 last']);
  });

  test('rule 2: origins without an entry in a chunk are claimed by the last one only', () => {
    // c.1 and c.2 are superseded by a.1, which is the last to be sent.
    const { source, link } = sourceOf(
      op('c', 1, 1, 'k'),
      op('c', 2, 2, 'k'),
      op('a', 1, 5, 'k'),
      op('b', 1, 9, 'z'),
    );
    source.say(link, request());
    expect(restOf(source, link)).toEqual(['b1 | b:1-1', 'a1 | a:1-1 c:1-2 last']);
  });

  test('rule 2: a gap below an entry is not claimed with it', () => {
    // a.2 was superseded by b.1, which is older than a.3 and comes after it.
    const { source, link } = sourceOf(
      op('a', 1, 1, 'x'),
      op('a', 2, 2, 'y'),
      op('b', 1, 3, 'y'),
      op('a', 3, 4, 'z'),
    );
    source.say(link, request());
    expect(restOf(source, link)).toEqual(['a3 | a:3-3', 'b1 | b:1-1', 'a1 | a:1-2 last']);
  });

  test('claims reach up to what was superseded by what is sent', () => {
    const { source, link } = sourceOf(
      op('a', 1, 1, 'x'),
      op('a', 2, 2, 'y'),
      op('a', 3, 3, 'z'),
      op('b', 1, 4, 'z'),
    );
    source.say(link, request());
    expect(restOf(source, link)).toEqual(['b1 | b:1-1', 'a2 | a:2-3', 'a1 | a:1-1 last']);
  });

  test('leaves out what the other side covers', () => {
    const { source, link } = sourceOf(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('b', 1, 3, 'z'));
    source.say(link, request({ vector: vector('a:1-2 c:1-9') }));
    expect(restOf(source, link)).toEqual(['b1 | b:1-1 last']);
    source.say(link, request({ request: 2, vector: vector('a:1-2 b:1-1') }));
    expect(restOf(source, link)).toEqual([' |  last']);
  });

  test('tombstones are entries', () => {
    const { source, link } = sourceOf(op('a', 1, 1, 'x'), op('a', 2, 2, 'x', null));
    source.say(link, request());
    source.take({ kind: 'wake' });
    expect(source.sent('chunk')[0]?.entries[0]).toMatchObject({ key: 'x', seq: 2, value: null });
  });
});

describe('rule 5: where the first write stands', () => {
  test('a delta goes oldest first and claims from the first seq up to the highest that it holds', () => {
    const source = new Subject({ buckets: { default: { policy: 'fww' } } });
    const other = source.meet('O', { hello: { buckets: [] } });
    // b.1 lost to a.1, which is older; a.2 lost to b.2.
    source.learn(other, op('a', 1, 1, 'x'), op('b', 1, 2, 'x'), op('b', 2, 3, 'y'), op('a', 2, 4, 'y'));
    source.learn(other, op('a', 3, 5, 'z'));
    const link = source.meet('A');
    source.clear();
    source.say(link, request());
    expect(restOf(source, link)).toEqual(['a1 | a:1-1', 'b2 | b:1-2', 'a3 | a:2-3 last']);
  });
});

describe('rule 6: the floor', () => {
  const dropped = (source: Subject, text: string): void => {
    for (const [o, set] of vector(text).entries()) source.bucket.floor.addAll(o, set);
  };

  test('who lacks what tombstones of were dropped is told, and reconciles instead', () => {
    const { source, link } = sourceOf(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('b', 1, 3, 'z'));
    dropped(source, 'a:1-2 b:1-1');
    source.say(link, request({ vector: vector('a:1-1') }));
    source.take({ kind: 'wake' });
    expect(source.sent('chunk')).toEqual([]);
    expect(source.sent('below')).toMatchObject([{ request: 1 }]);
  });

  test('who covers all of it, or has a floor of its own there, is served', () => {
    const { source, link } = sourceOf(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('b', 1, 3, 'z'));
    dropped(source, 'a:1-2');
    source.say(link, request({ vector: vector('a:1-1'), floor: vector('a:2-2') }));
    expect(restOf(source, link)).toEqual(['b1 | b:1-1', 'a2 | a:2-2 last']);
  });

  test('is looked at for every chunk: a tombstone may go while a delta is under way', () => {
    const { source, link } = sourceOf(op('a', 1, 1, 'x'), op('b', 1, 2, 'y'), op('a', 2, 3, 'z'));
    source.say(link, request());
    expect(nextChunk(source, link)).toBe('a2 | a:2-2');
    dropped(source, 'a:1-1');
    expect(nextChunk(source, link)).toBe('');
    expect(source.sent('below')).toHaveLength(1);
  });
});

describe('rule 8: writes beyond the horizon of the one who asks', () => {
  test('are passed over; from there on only exact dots are covered, and nothing is claimed', () => {
    const { source, link } = sourceOf(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('b', 1, 50_000, 'x'));
    source.say(link, request({ horizon: EPOCH + 1000 }));
    source.take({ kind: 'wake' });
    const [first] = source.sent('chunk');
    expect(first && line(first)).toBe(' |  exact');
    expect(first?.heldUntil).toBe(EPOCH + 50_000);
    // a.1 is superseded here by b.1: it is never sent and must not be covered.
    expect(restOf(source, link)).toEqual(['a2 |  exact last']);
  });

  test('also when they come between two chunks', () => {
    const { source, link, other } = sourceOf(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'));
    source.say(link, request({ horizon: EPOCH + 1000 }));
    expect(nextChunk(source, link)).toBe('a2 | a:2-2');
    source.learn(other, op('b', 1, 50_000, 'x'));
    expect(restOf(source, link)).toEqual([' |  exact last']);
  });

  test('those that were passed over once are not walked again, also where oldest comes first', () => {
    const storage = new SpoiltStore();
    const settings = { deltaChunkBytes: 100, buckets: { default: { policy: 'fww' } } } as const;
    const source = new Subject(settings, storage);
    const other = source.meet('O', { hello: { buckets: [] } });
    source.learn(other, ...Array.from({ length: 30 }, (_, i) => op('a', i + 1, 50_000 + i, `k${i}`)));
    const link = source.meet('A');
    source.clear();
    source.say(link, request({ horizon: EPOCH }));
    expect(nextChunk(source, link)).toBe(' |  exact');
    storage.rowsRead = 0;
    expect(nextChunk(source, link)).toBe(' |  exact last');
    expect(storage.rowsRead).toBe(0);
  });

  test('many of them do not make one long turn', () => {
    const many = Array.from({ length: 500 }, (_, i) => op('a', 2 * i + 1, 50_000 + i, `k${i}`));
    const { source, link } = sourceOf(...many);
    source.say(link, request({ horizon: EPOCH }));
    source.take({ kind: 'wake' });
    expect(source.sent('chunk')).toHaveLength(1);
    let chunks = 1;
    for (; chunks < 600; chunks++) {
      source.say(link, { type: 'credit', request: 1, chunks: 1 });
      source.take({ kind: 'wake' });
      const [next] = source.sent('chunk');
      expect(next?.entries).toEqual([]);
      if (next?.last) break;
    }
    expect(chunks).toBeLessThan(600);
  });
});

describe('flow control and hostile requests', () => {
  const six = Array.from({ length: 12 }, (_, i) => op('a', i + 1, i, `k${i}`));

  test('no more chunks than there is credit', () => {
    const { source, link } = sourceOf(...six);
    source.say(link, request({ credit: 2 }));
    source.pass(0);
    expect(source.sent('chunk').map(({ n }) => n)).toEqual([0, 1]);
    source.say(link, { type: 'credit', request: 1, chunks: 1 });
    source.pass(0);
    expect(source.sent('chunk').map(({ n }) => n)).toEqual([2]);
  });

  test('absurd credit is capped, and of no credit nothing comes', () => {
    const { source, link } = sourceOf(...six);
    source.say(link, request({ credit: Number.MAX_SAFE_INTEGER }));
    source.say(link, { type: 'credit', request: 1, chunks: Number.MAX_SAFE_INTEGER });
    source.pass(0);
    expect(source.sent('chunk')).toHaveLength(8);
    source.say(link, request({ request: 2, credit: 0 }));
    source.pass(1000);
    expect(source.sent('chunk')).toHaveLength(0);
  });

  test('a new request takes the place of the former one', () => {
    const { source, link } = sourceOf(...six);
    for (let i = 1; i <= 100; i++) source.say(link, request({ request: i, credit: 1 }));
    source.pass(0);
    expect(source.sent('chunk').map((c) => c.request)).toEqual([100]);
  });

  test('absurd vectors and horizons', () => {
    const { source, link } = sourceOf(...six);
    source.say(link, request({ vector: vector(`a:1-${Number.MAX_SAFE_INTEGER} m:1-9`), horizon: 0 }));
    expect(restOf(source, link)).toEqual([' |  last']);
    source.say(link, request({ request: 2, horizon: Number.MAX_SAFE_INTEGER, credit: 1 }));
    expect(nextChunk(source, link)).toBe('a12 | a:12-12');
  });

  test('an unknown bucket is refused; a cancelled delta and one of a lost link end', () => {
    const { source, link } = sourceOf(...six);
    source.say(link, request({ bucket: 'other' as typeof BUCKET }));
    expect(source.sent('cancel')).toEqual([
      { type: 'cancel', request: 1, reason: 'this bucket is not replicated here' },
    ]);
    source.say(link, request(), { type: 'cancel', request: 1, reason: 'enough' });
    expect(restOf(source, link)).toEqual([]);
    source.say(link, request({ request: 2 }));
    source.take({ kind: 'linkClosed', link, reason: 'broken' });
    expect(restOf(source, link)).toEqual([]);
    expect(source.wakeAt).toBeGreaterThan(source.now);
  });

  test('a link that is closing gets nothing and keeps nobody busy', () => {
    const { source, link } = sourceOf(...six);
    source.say(link, request(), { type: 'goodbye', code: 'LEAVING', reason: 'bye' });
    source.pass(10);
    expect(source.sent('chunk')).toEqual([]);
    expect(source.replica.core.counters.deltaEntriesSent).toBe(0);
  });
});
