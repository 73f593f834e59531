import { describe, expect, test } from '@jest/globals';
import type { BucketName, LinkId } from '../../../src/base/ids.js';
import { Inbox } from '../../../src/runtime/inbox.js';
import type { Input } from '../../../src/replica/step.js';

const [FIRST, SECOND] = [1 as LinkId, 2 as LinkId];
const MB = 2 ** 20;
const bucket = 'default' as BucketName;

function drain(inbox: Inbox): Input[] {
  const inputs: Input[] = [];
  for (let input = inbox.take(); input; input = inbox.take()) inputs.push(input);
  return inputs;
}

describe('Inbox', () => {
  test('gives inputs in order; those of one kind in a row come together', () => {
    const inbox = new Inbox();
    const write = (request: number) => ({ request, bucket, ops: [] });
    inbox.write(write(1));
    inbox.write(write(2));
    for (const link of [FIRST, SECOND, FIRST]) inbox.received({ link, bytes: new Uint8Array(10) });
    inbox.add({ kind: 'wake' });
    inbox.write(write(3));
    expect(inbox.length).toBe(4);
    expect(drain(inbox)).toEqual([
      { kind: 'writes', writes: [write(1), write(2)] },
      {
        kind: 'received',
        messages: [FIRST, SECOND, FIRST].map((link) => ({ link, bytes: new Uint8Array(10) })),
      },
      { kind: 'wake' },
      { kind: 'writes', writes: [write(3)] },
    ]);
    expect(inbox.length).toBe(0);
  });

  test('a turn takes about half a megabyte of messages', () => {
    const inbox = new Inbox();
    for (let i = 0; i < 20; i++) inbox.received({ link: FIRST, bytes: new Uint8Array(MB / 10) });
    const turns = drain(inbox).map((input) => (input.kind === 'received' ? input.messages.length : 0));
    expect(turns).toEqual([5, 5, 5, 5]);
  });

  test('a turn takes about half a megabyte of writes, or about two thousand', () => {
    const inbox = new Inbox();
    const ops = (count: number, size: number) =>
      Array.from({ length: count }, () => ({ key: 'k', value: new Uint8Array(size) }));
    for (let request = 0; request < 20; request++) inbox.write({ request, bucket, ops: ops(1, MB / 10) });
    for (let request = 0; request < 20; request++) inbox.write({ request, bucket, ops: ops(500, 2) });
    const turns = drain(inbox).map((input) => (input.kind === 'writes' ? input.writes.length : 0));
    expect(turns).toEqual([5, 5, 5, 5, 4, 4, 4, 4, 4]);
  });

  test('of a link beyond its bound nothing is kept; other links and what was handled do not count', () => {
    const inbox = new Inbox();
    const give = (link: LinkId): boolean => inbox.received({ link, bytes: new Uint8Array(MB) });
    for (let i = 0; i < 300; i++) {
      expect(give(FIRST)).toBe(true);
      drain(inbox);
    }
    for (let i = 0; i < 95; i++) expect([give(FIRST), give(SECOND)]).toEqual([true, true]);
    expect(give(FIRST)).toBe(false);
    const left = drain(inbox).flatMap((input) => (input.kind === 'received' ? input.messages : []));
    expect(new Set(left.map(({ link }) => link))).toEqual(new Set([SECOND]));
    expect(left).toHaveLength(95);
    expect(give(FIRST)).toBe(true);
  });

  test('short messages count for more than their bytes, in a turn and in what waits', () => {
    const inbox = new Inbox();
    let kept = 0;
    while (kept < 1e6 && inbox.received({ link: FIRST, bytes: new Uint8Array(8) })) kept++;
    expect(kept).toBeLessThan(500_000);
    for (let i = 0; i < 10_000; i++) inbox.received({ link: FIRST, bytes: new Uint8Array(8) });
    const turns = drain(inbox).map((input) => (input.kind === 'received' ? input.messages.length : 0));
    expect(turns.reduce((sum, count) => sum + count)).toBe(10_000);
    expect(Math.max(...turns)).toBeLessThan(2_000);
  });

  test('who brings very much waits for itself: others come in between, and its end comes last', () => {
    const inbox = new Inbox();
    for (let i = 0; i < 50_000; i++) inbox.received({ link: FIRST, bytes: Uint8Array.of(i >> 8, i & 255) });
    inbox.add({ kind: 'linkClosed', link: FIRST, reason: 'lost' });
    inbox.received({ link: SECOND, bytes: new Uint8Array(1) });
    inbox.add({ kind: 'linkClosed', link: SECOND, reason: 'lost' });
    const inputs = drain(inbox);
    const closed = inputs.flatMap((input) => (input.kind === 'linkClosed' ? [input.link] : []));
    expect(closed).toEqual([SECOND, FIRST]);
    const messages = inputs.flatMap((input) => (input.kind === 'received' ? input.messages : []));
    expect(messages.findIndex(({ link }) => link === SECOND)).toBeLessThan(3_000);
    const order = messages
      .filter(({ link }) => link === FIRST)
      .map(({ bytes: [a = 0, b = 0] }) => a * 256 + b);
    expect(order).toEqual(Array.from({ length: 50_000 }, (_, i) => i));
    expect(inbox.length).toBe(0);
  });
});
