import { describe, expect, jest, test } from '@jest/globals';
import type { LinkId } from '../../../../src/base/ids.js';
import { sealEntry } from '../../../../src/data/entry.js';
import { MAX_LISTED } from '../../../../src/protocol/limits.js';
import { type Link, openLink } from '../../../../src/protocol/link.js';
import type { Answer, Compare, ListedEntry, Listing, Message } from '../../../../src/protocol/messages.js';
import { BUCKET, helloOf, op, origin, vector } from '../builders.js';
import { Walk } from '../../../../src/replica/reconcile/walk.js';
import { Side, talk } from './sides.js';

/** A value just small enough that an answer goes on after it. */
const LARGE = 'v'.repeat(2 ** 20 - 200);

const COMPARE: Compare = { type: 'compare', request: 1, n: 0, bucket: BUCKET, blocks: [] };
/** Costs a peer all that it may use at once. */
const COSTLY: Compare = {
  ...COMPARE,
  n: 1,
  blocks: Array.from({ length: 4096 }, (_, index) => ({
    origin: origin('x'),
    level: 0,
    index,
    sum: new Uint8Array(8),
  })),
};

const listing = (items: readonly ListedEntry[]): Listing => ({
  type: 'listing',
  request: 1,
  n: 1,
  bucket: BUCKET,
  items,
});

function item(...args: Parameters<typeof op>): ListedEntry {
  const { origin: from, seq, stamp, key, digest } = sealEntry(op(...args));
  return { origin: from, seq, stamp, key, digest: digest.subarray(0, 8) };
}

/** Another link of a side. */
function linkOf(side: Side, id: number, peer: string): Link {
  const link = openLink(id as LinkId, 'in', 'remote', undefined, side.now);
  link.hello = helloOf(peer);
  side.core.links.set(link.id, link);
  return link;
}

/** @returns how many answers leave in the next turn */
function answersTo(side: Side, link: Link, question: Compare | Listing): number {
  side.turn((turn) => side.answerer.ask(turn, link, question));
  return side.wake().sends.length;
}

describe('what a listing makes us read', () => {
  test('is each cell once, however often it is named', () => {
    const b = new Side('B');
    b.learn(op('x', 5000, 9, 'k', LARGE));
    b.cover(vector('x:1-5000'));
    const items = Array.from({ length: MAX_LISTED }, (_, i) => item('x', i + 1, i - 5000, 'k', 'old'));
    b.hear(listing(items));
    const reads = jest.spyOn(b.storage, 'get');
    b.wake();
    // As it is stored, and to see whether it is sound.
    expect(reads).toHaveBeenCalledTimes(2);
    const [answer] = b.said() as [Answer];
    expect(answer).toMatchObject({ answered: MAX_LISTED, entries: [{ key: 'k' }] });
    expect(answer.drop).toHaveLength(MAX_LISTED);
  });

  test('is so much a turn: what comes after it is listed again', () => {
    const a = new Side('A', 'siblings');
    const b = new Side('B', 'siblings');
    const small = Array.from({ length: 15 }, (_, i) => op('x', i + 1, i, `k${i + 1}`));
    a.learn(...small);
    b.learn(...small, ...small.map(({ seq, key }) => op('y', seq, 100 + seq, key, LARGE)));
    b.lose('k15', 'x15');
    const answered: number[] = [];
    a.start('repair');
    talk(a, b, (_from, message) => {
      if (message.type === 'answer') answered.push(message.answered);
    });
    expect(answered).toEqual([8, 7]);
    expect(a.last).toMatchObject({ outcome: 'done', dropped: 1 });
  });

  test('and what it makes us look through counts too', () => {
    const b = new Side('B', 'siblings');
    b.learn(...Array.from({ length: 100 }, (_, i) => op('y', i + 1, i, 'k')));
    b.cover(vector('x:1-5000'));
    const items = Array.from({ length: MAX_LISTED }, (_, i) => item('x', i + 1, i - 5000, 'k', 'old'));
    b.hear(listing(items));
    b.wake();
    const [answer] = b.said() as [Answer];
    expect(answer.answered).toBeGreaterThan(100);
    expect(answer.answered).toBeLessThan(500);
  });

  test('is at least what the first entry needs', () => {
    const b = new Side('B', 'siblings');
    const other = 'w'.repeat(8 * 2 ** 20 - 100);
    b.learn(op('x', 1, 1, 'k', LARGE), op('y', 1, 2, 'k', other), op('x', 2, 3, 'l'));
    b.hear(listing([item('x', 1, 1, 'k', LARGE), item('x', 2, 3, 'l')]));
    b.wake();
    expect(b.said()).toMatchObject([{ type: 'answer', answered: 1 }]);
  });

  test('ends with the first damaged row', () => {
    const b = new Side('B');
    const ops = Array.from({ length: 5 }, (_, i) => op('x', i + 1, i, `k${i}`));
    b.learn(...ops);
    for (const one of ops) {
      const entry = sealEntry(one);
      const broken = { ...entry, stamp: (entry.stamp + 1n) as typeof entry.stamp };
      const empty = { vectors: [], floors: [], totals: [], damages: [], members: [] };
      const put = { bucket: BUCKET, key: entry.key, before: [entry], after: [broken] };
      b.storage.commit({ ...empty, puts: [put] });
    }
    b.hear(listing(ops.map(({ seq, key }) => item('x', seq, 50, key, 'other'))));
    b.wake();
    expect(b.said()).toMatchObject([{ type: 'cancel' }]);
    expect(b.core.counters.rowsDamaged).toBe(1);
  });
});

test('our own listing ends when so much was read for it, other entries of the cells included', () => {
  const a = new Side('A', 'siblings');
  const b = new Side('B', 'siblings');
  const small = Array.from({ length: 15 }, (_, i) => op('x', i + 1, i, `k${i + 1}`));
  a.learn(...small, ...small.map(({ seq, key }) => op('y', seq, 100 + seq, key, LARGE)));
  b.learn(...small);
  b.lose('k15', 'x15');
  const listed: number[] = [];
  a.start('repair');
  talk(a, b, (_from, message) => {
    if (message.type !== 'listing') return;
    listed.push(message.items.filter(({ origin: from }) => from === origin('x')).length);
  });
  expect(a.last.outcome).toBe('done');
  expect(Math.max(...listed)).toBe(2);
});

describe('what a peer may have us do', () => {
  test('is the same over another link: who dials again goes on where it was', () => {
    const b = new Side('B');
    b.learn(op('x', 1, 1, 'k'));
    while (answersTo(b, b.link, COSTLY) > 0);
    b.answerer.linkDown(b.link.id);
    const again = linkOf(b, 2, 'O');
    expect(answersTo(b, again, COMPARE)).toBe(0);
    expect(answersTo(b, linkOf(b, 3, 'P'), COMPARE)).toBe(1);
    b.now = b.wakeAt;
    expect(b.now).toBeGreaterThan(0);
    expect(b.wake().sends).toHaveLength(1);
  });

  test('is shared out: after a turn of work the others come in the next one, first those that wait longest', () => {
    const b = new Side('B');
    b.learn(op('x', 1, 1, 'k'));
    const links = [b.link, linkOf(b, 2, 'P'), linkOf(b, 3, 'Q')];
    const order: LinkId[][] = [];
    for (const link of links) b.turn((turn) => b.answerer.ask(turn, link, COSTLY));
    order.push(b.wake().sends.map(({ link }) => link));
    expect(b.wakeAt).toBe(b.now);
    b.turn((turn) => b.answerer.ask(turn, b.link, COSTLY));
    order.push(b.wake().sends.map(({ link }) => link));
    expect(order).toEqual([
      [1, 2],
      [3, 1],
    ]);
  });
});

test.each<[string, Partial<Answer>]>([
  ['of nothing that was listed', { answered: 0 }],
  ['of more than was listed', { answered: 2 }],
  ['that drops what it does not answer', { answered: 1, drop: [1] }],
])('an answer %s is refused', (_, change) => {
  const a = new Side('A');
  a.learn(op('x', 1, 1, 'k'));
  if (change.drop) a.learn(op('x', 2, 2, 'l'));
  a.start('repair');
  a.wake();
  let question: Message | undefined = a.said()[0];
  while (question?.type === 'compare') {
    const start = question.n === 0 ? { vector: vector('x:1-9'), floor: vector('') } : null;
    a.hear({ type: 'differ', request: question.request, n: question.n, blocks: [0], start });
    a.wake();
    question = a.said()[0];
  }
  if (question?.type !== 'listing') throw new Error('nothing was listed');
  const { request, n } = question;
  expect(() => a.hear({ type: 'answer', request, n, drop: [], entries: [], answered: 1, ...change })).toThrow(
    /^an answer/,
  );
  expect(a.live).toBe(change.drop ? 'k=x1 l=x2' : 'k=x1');
});

test('who answers few of the listed entries is asked about few, and about more again when all are answered', () => {
  const a = new Side('A');
  a.learn(...Array.from({ length: 3000 }, (_, i) => op('x', i + 1, i + 1, `k${i + 1}`)));
  a.start('shed');
  const sizes: number[] = [];
  const start = { vector: vector('x:1-3000'), floor: vector('') };
  for (let turns = 0; sizes.length < 8 && turns < 30; turns++) {
    a.wake();
    const [asked] = a.said();
    if (asked?.type === 'compare') {
      const { request, n, blocks } = asked;
      a.hear({ type: 'differ', request, n, blocks: [...blocks.keys()], start: n === 0 ? start : null });
    } else if (asked?.type === 'listing') {
      const { request, n, items } = asked;
      sizes.push(items.length);
      a.hear({
        type: 'answer',
        request,
        n,
        drop: [],
        entries: [],
        answered: sizes.length < 4 ? 1 : items.length,
      });
    }
  }
  expect(sizes).toEqual([1024, 2, 2, 2, 4, 8, 16, 32]);
});

test('a verify asks about some thousand blocks without live entries, whatever somebody has claimed', () => {
  const side = new Side('A');
  side.learn(op('x', 1, 1, 'k'));
  side.cover(vector(`x:1-${Number.MAX_SAFE_INTEGER}`));
  const walk = new Walk(side.storage, side.bucket, true);
  let blocks = 0;
  side.turn((turn) => {
    for (let next = walk.next(turn); next; next = walk.next(turn))
      blocks += next.kind === 'compare' ? next.blocks.length : 0;
  });
  expect(blocks).toBeGreaterThan(16_000);
  expect(blocks).toBeLessThanOrEqual(2 ** 14 + 1);
});
