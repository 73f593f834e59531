import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';

import { Hub, InProcessTransport } from '../../../src/transport/in-process.js';
import { CLOSED, DIAL_FAILED } from '../../../src/transport/reasons.js';
import { Recorder } from '../../compliance/transport.recorder.js';

function peer(hub: Hub, url: string): { url: string; seen: Recorder; transport: InProcessTransport } {
  const seen = new Recorder();
  return { url, seen, transport: new InProcessTransport(hub, url, seen) };
}

test('a cut breaks the links between two, loses what is on its way, and stops dials until it is healed', async () => {
  const hub = new Hub();
  const [a, b, c] = [peer(hub, 'a'), peer(hub, 'b'), peer(hub, 'c')];
  a.transport.dial('b');
  a.transport.dial('c');
  await a.seen.link(1);
  const ab = a.seen.links.find(({ url }) => url === 'b');
  const ac = a.seen.links.find(({ url }) => url === 'c');
  if (ab === undefined || ac === undefined) throw new Error('not linked');
  a.transport.send(ab.id, Buffer.from('lost'));
  hub.cut('b', 'a');
  a.transport.send(ab.id, Buffer.from('lost as well'));
  a.transport.send(ac.id, Buffer.from('not concerned'));
  await a.seen.until(() => ab.closed !== undefined);
  expect(ab.closed).toBe(CLOSED.lost);
  expect(await b.seen.closedLink()).toMatchObject({ closed: CLOSED.lost, messages: [] });
  await c.seen.until(() => c.seen.links[0]?.messages.length === 1);

  for (const [from, to] of [[a, 'b'] as const, [b, 'a'] as const]) {
    from.transport.dial(to);
    await from.seen.until(() => from.seen.failures.length === 1);
    expect(from.seen.failures).toEqual([{ url: to, reason: DIAL_FAILED.timeout }]);
  }
  hub.heal('a', 'b');
  b.transport.dial('a');
  await b.seen.link(1);
  expect([a, b, c].flatMap(({ seen }) => seen.violations)).toEqual([]);
});

test('a cut while a link is being opened still reports opened before closed', async () => {
  const hub = new Hub();
  const [a, b] = [peer(hub, 'a'), peer(hub, 'b')];
  b.seen.onOpened = () => hub.cut('a', 'b');
  a.transport.dial('b');
  expect((await a.seen.closedLink()).closed).toBe(CLOSED.lost);
  expect((await b.seen.closedLink()).closed).toBe(CLOSED.lost);
  expect([...a.seen.violations, ...b.seen.violations]).toEqual([]);
});

test('messages are copied, so that a sender may use its buffer again', async () => {
  const hub = new Hub();
  const [a, b] = [peer(hub, 'a'), peer(hub, 'b')];
  a.transport.dial('b');
  const link = await a.seen.link();
  const bytes = new Uint8Array([1, 2, 3]);
  a.transport.send(link.id, bytes);
  bytes.fill(0);
  await b.seen.until(() => b.seen.links[0]?.messages.length === 1);
  expect([...(b.seen.links[0]?.messages[0] ?? [])]).toEqual([1, 2, 3]);
});

test('a stopped transport can be replaced under its url', async () => {
  const hub = new Hub();
  const [a, b] = [peer(hub, 'a'), peer(hub, 'b')];
  const successor = peer(hub, 'b');
  await b.transport.stop();
  a.transport.dial('b');
  await successor.seen.link();
  await setImmediate();
  expect(b.seen.links).toEqual([]);
});
