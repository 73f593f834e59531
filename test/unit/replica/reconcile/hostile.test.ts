import { describe, expect, test } from '@jest/globals';
import type { BucketName } from '../../../../src/base/ids.js';
import { sealEntry } from '../../../../src/data/entry.js';
import { MalformedMessage } from '../../../../src/protocol/fields.js';
import { MAX_BLOCKS, PUSH_WINDOW_BYTES } from '../../../../src/protocol/limits.js';
import type {
  Answer,
  Compare,
  Differ,
  ListedEntry,
  Listing,
  Message,
} from '../../../../src/protocol/messages.js';
import { BUCKET, op, origin, vector } from '../builders.js';
import { Side, talk } from './sides.js';

const compare = (change: Partial<Compare> = {}): Compare => ({
  type: 'compare',
  request: 7,
  n: 0,
  bucket: BUCKET,
  blocks: [],
  ...change,
});

const listing = (...items: ListedEntry[]): Listing => ({
  type: 'listing',
  request: 7,
  n: 1,
  bucket: BUCKET,
  items,
});

function item(...args: Parameters<typeof op>): ListedEntry {
  const { origin: from, seq, stamp, key, digest } = sealEntry(op(...args));
  return { origin: from, seq, stamp, key, digest: digest.subarray(0, 8) };
}

function ask(side: Side, question: Message): Message[] {
  side.hear(question);
  side.wake();
  return side.said();
}

/** A side in the middle of a session, and what it has just asked. */
function asking(...ops: ReturnType<typeof op>[]): { a: Side; question: Compare } {
  const a = new Side('A');
  a.learn(...ops);
  a.start('repair');
  a.wake();
  const [question] = a.said();
  if (question?.type !== 'compare') throw new Error('no question');
  return { a, question };
}

const start = { vector: vector('x:1-9'), floor: vector('') };

function answerTo({ request, n }: Compare | Listing, change: Partial<Differ> = {}): Differ {
  return { type: 'differ', request, n, blocks: [], start: n === 0 ? start : null, ...change };
}

/** Brings a session to its listing. */
function listed(...ops: ReturnType<typeof op>[]): { a: Side; question: Listing } {
  const { a, question } = asking(...ops);
  a.hear(answerTo(question, { blocks: [0] }));
  for (;;) {
    a.wake();
    const [next] = a.said();
    if (next?.type === 'listing') return { a, question: next };
    if (next?.type !== 'compare') throw new Error('no question');
    a.hear(answerTo(next, { blocks: [0] }));
  }
}

const answer = ({ request, n, items }: Listing, change: Partial<Answer>): Answer => ({
  type: 'answer',
  request,
  n,
  drop: [],
  entries: [],
  answered: items.length,
  ...change,
});

describe('an answerer', () => {
  test('says what it covers and dropped in the first answer only', () => {
    const b = new Side('B');
    b.learn(op('x', 1, 1, 'k'));
    expect(ask(b, compare())).toMatchObject([{ type: 'differ', request: 7, n: 0, blocks: [], start: {} }]);
    expect(ask(b, compare({ n: 1 }))).toMatchObject([{ type: 'differ', n: 1, start: null }]);
  });

  test('compares blocks that it has never seen', () => {
    const b = new Side('B');
    const sum = new Uint8Array(8).fill(1);
    const blocks = [0, 1, 2].map((level) => ({ origin: origin('q'), level, index: 2 ** 30, sum }));
    expect(ask(b, compare({ blocks }))).toMatchObject([{ blocks: [0, 1, 2] }]);
  });

  test('says nothing about what it does not cover', () => {
    const b = new Side('B');
    b.learn(op('x', 1, 1, 'k'));
    const items = [item('y', 1, 0, 'k'), item('y', 2, 1, 'm'), item('x', 1, 1, 'k')];
    expect(ask(b, listing(...items))).toMatchObject([{ drop: [], entries: [] }]);
  });

  test('refuses buckets that it does not replicate over the link', () => {
    const b = new Side('B');
    expect(ask(b, compare({ bucket: 'other' as BucketName }))).toMatchObject([
      { type: 'cancel', request: 7 },
    ]);
    b.link.refused.add(BUCKET);
    expect(ask(b, compare())).toMatchObject([{ type: 'cancel', request: 7 }]);
    expect(b.wakeAt).toBe(Infinity);
  });

  test('keeps one question a bucket: a new one takes the place of the former', () => {
    const b = new Side('B');
    b.hear(compare({ request: 1 }));
    b.hear(compare({ request: 2 }));
    b.wake();
    expect(b.said()).toMatchObject([{ request: 2 }]);
    expect(b.wakeAt).toBe(Infinity);
  });

  test('answers no faster than its allowance, and goes on when it has come back', () => {
    const b = new Side('B');
    b.learn(op('x', 1, 1, 'k'));
    const sum = new Uint8Array(8);
    const blocks = Array.from({ length: MAX_BLOCKS }, (_, index) => ({
      origin: origin('x'),
      level: 0,
      index,
      sum,
    }));
    let answers = 0;
    while (ask(b, compare({ blocks })).length > 0) answers++;
    expect(answers).toBeGreaterThan(2);
    expect(answers).toBeLessThan(10);
    expect(b.wakeAt).toBeGreaterThan(b.now);
    b.now = b.wakeAt;
    b.wake();
    expect(b.said()).toHaveLength(1);
  });

  test('sends no more to an asker that does not read', () => {
    const b = new Side('B');
    b.link.flow.sent = PUSH_WINDOW_BYTES;
    expect(ask(b, compare())).toEqual([]);
    expect(b.wakeAt).toBe(Infinity);
    b.link.flow.acknowledged = b.link.flow.sent;
    expect(b.wakeAt).toBe(b.now);
  });

  test('forgets the questions of a link that has ended', () => {
    const b = new Side('B');
    b.hear(compare());
    b.answerer.linkDown(b.link.id);
    b.wake();
    expect(b.said()).toEqual([]);
  });

  test('answers in a turn that has written nothing', () => {
    const b = new Side('B');
    b.hear(compare());
    b.turn((turn) => {
      turn.apply(b.bucket, sealEntry(op('x', 1, 1, 'k')));
      b.answerer.wake(turn);
    });
    expect(b.said()).toEqual([]);
    expect(b.wakeAt).toBe(b.now);
    b.wake();
    expect(b.said()).toHaveLength(1);
  });

  test('has no say while a damaged row waits for its repair, and finds damage itself', () => {
    const b = new Side('B');
    b.learn(op('x', 1, 1, 'k'));
    const [entry] = b.storage.get(BUCKET, 'k');
    if (!entry) throw new Error('no entry');
    const broken = { ...entry, stamp: (entry.stamp + 1n) as typeof entry.stamp };
    const empty = { vectors: [], floors: [], totals: [], damages: [], members: [] };
    b.storage.commit({ ...empty, puts: [{ bucket: BUCKET, key: 'k', before: [entry], after: [broken] }] });
    // The listed entry has another digest, so the row is looked at.
    expect(ask(b, listing(item('x', 1, 1, 'k', 'other')))).toMatchObject([{ type: 'cancel', request: 7 }]);
    expect(b.bucket.damages.size).toBe(1);
    expect(ask(b, listing(item('x', 1, 1, 'k')))).toMatchObject([{ type: 'cancel' }]);
    // But it tells its floor to who has nothing to lose.
    expect(ask(b, compare())).toMatchObject([{ type: 'differ', blocks: [] }]);
    expect(b.start('repair')).toBe(false);
  });
});

describe('an asker', () => {
  test('has one session a bucket', () => {
    const { a } = asking(op('x', 1, 1, 'k'));
    expect(a.start('shed')).toBe(false);
    expect(a.start('verify')).toBe(false);
    expect(a.asker.occupancy(a.bucket)).toBeDefined();
  });

  test.each(['shed', 'repair'] as const)('ends one that only reports to %s', (mode) => {
    const a = new Side('A');
    a.start('verify');
    a.wake();
    expect(a.start('verify')).toBe(false);
    expect(a.start(mode)).toBe(true);
    expect(a.reports).toMatchObject([{ mode: 'verify', outcome: 'interrupted' }]);
    expect(a.asker.occupancy(a.bucket)).toBeDefined();
  });

  test('lets it go on when it may not begin another', () => {
    const a = new Side('A');
    a.start('verify');
    a.link.refused.add(BUCKET);
    expect(a.start('repair')).toBe(false);
    expect(a.reports).toEqual([]);
  });

  test('leaves nothing behind that a malformed answer said of its source', () => {
    const { a, question } = listed(op('x', 1, 1, 'k'));
    a.turn((turn) => {
      const bad = answer(question, { drop: [1] });
      expect(() => a.asker.answer(turn, a.link, bad, 1)).toThrow(MalformedMessage);
      expect(turn.source).toBeUndefined();
    });
  });

  test('leaves answers of sessions that are over aside', () => {
    const { a, question } = asking(op('x', 1, 1, 'k'));
    a.hear({ type: 'cancel', request: question.request, reason: 'busy' });
    expect(a.last).toMatchObject({ outcome: 'cancelled', reason: 'busy' });
    a.hear(answerTo(question));
    a.hear(answer(listing(), { request: question.request }));
    a.hear({ type: 'cancel', request: question.request, reason: 'busy' });
    expect(a.reports).toHaveLength(1);
  });

  test('gives up when no answer comes for 15 seconds', () => {
    const { a } = asking(op('x', 1, 1, 'k'));
    expect(a.wakeAt).toBe(15_000);
    a.now = 14_999;
    a.wake();
    expect(a.reports).toEqual([]);
    a.now = 15_000;
    a.wake();
    expect(a.last.outcome).toBe('stalled');
    expect(a.wakeAt).toBe(Infinity);
  });

  test('ends with a damaged row', () => {
    const { a } = asking(op('x', 1, 1, 'k'));
    a.bucket.damages.set('x', { origin: origin('x'), seq: 1, key: 'k' });
    expect(a.wakeAt).toBe(a.now);
    a.wake();
    expect(a.last.outcome).toBe('damaged');
  });

  test('ends with a damaged row also when another one is whole again meanwhile', () => {
    const a = new Side('A');
    a.bucket.damages.set('y', { origin: origin('y'), seq: 1, key: 'l' });
    expect(a.start('shed')).toBe(true);
    a.wake();
    expect(a.reports).toEqual([]);
    a.bucket.damages.set('x', { origin: origin('x'), seq: 1, key: 'k' });
    a.bucket.damages.delete('y');
    a.wake();
    expect(a.last.outcome).toBe('damaged');
  });

  test('asks in a turn that has written nothing', () => {
    const a = new Side('A');
    a.start('repair');
    a.turn((turn) => {
      turn.apply(a.bucket, sealEntry(op('x', 1, 1, 'k')));
      a.asker.wake(turn);
    });
    expect(a.said()).toEqual([]);
    a.wake();
    expect(a.said()).toHaveLength(1);
  });

  test.each<[string, Partial<Differ>]>([
    ['a block that was not compared', { blocks: [1] }],
    ['no vector and floor at first', { start: null }],
    ['another question', { n: 1 }],
  ])('refuses an answer about %s', (_, change) => {
    const { a, question } = asking(op('x', 1, 1, 'k'));
    expect(() => a.hear(answerTo(question, change))).toThrow(MalformedMessage);
  });

  test('refuses an answer of the wrong kind, and a second one', () => {
    const { a, question } = asking(op('x', 1, 1, 'k'));
    expect(() => a.hear(answer({ ...listing(), ...question, type: 'listing', items: [] }, {}))).toThrow(
      MalformedMessage,
    );
    const other = asking(op('x', 1, 1, 'k'));
    other.a.hear(answerTo(other.question));
    expect(() => other.a.hear(answerTo(other.question))).toThrow(MalformedMessage);
  });

  test('refuses entries that nothing was asked about, and drops of what was not listed', () => {
    for (const change of [
      { entries: [op('y', 1, 9, 'other')] },
      { entries: [op('y', 1, 0, 'k')] },
      { drop: [1] },
    ]) {
      const { a, question } = listed(op('x', 1, 1, 'k'));
      expect(() => a.hear(answer(question, change))).toThrow(MalformedMessage);
      expect(a.live).toBe('k=x1');
    }
  });

  test('drops nothing that the other side did not cover when the session began', () => {
    const { a, question } = listed(op('x', 10, 1, 'k'));
    a.hear(answer(question, { drop: [0] }));
    expect(a.live).toBe('k=x10');
  });
});

test('an answer that would be too large is cut, and the rest is asked for again', () => {
  const a = new Side('A');
  const b = new Side('B');
  const large = 'v'.repeat(300_000);
  for (let seq = 1; seq <= 20; seq++) {
    a.learn(op('x', seq, seq, `k${seq}`));
    b.learn(op('x', seq, seq, `k${seq}`), op('y', seq, 100 + seq, `k${seq}`, large));
  }
  let listings = 0;
  let largest = 0;
  a.start('shed');
  talk(a, b, (_from, message) => {
    if (message.type === 'listing') listings++;
    if (message.type === 'answer') largest = Math.max(largest, message.entries.length);
  });
  expect(a.live).toBe(b.live);
  expect(a.last).toMatchObject({ outcome: 'done', repaired: 20 });
  expect(largest).toBe(4);
  expect(listings).toBe(5);
});
