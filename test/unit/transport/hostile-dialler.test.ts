import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { encode } from '@msgpack/msgpack';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

import { GuardedHttpServer } from '../../../src/transport/http-server.js';
import { CLOSED, DIAL_FAILED } from '../../../src/transport/reasons.js';
import { SocketIoTransport } from '../../../src/transport/socket-io.js';
import { Recorder } from '../../compliance/transport.recorder.js';
import { open } from './raw-http.js';

const MAX_MESSAGE_BYTES = 100_000;

interface TestPeer {
  url: string;
  port: number;
  seen: Recorder;
  transport: SocketIoTransport;
  server: GuardedHttpServer;
}

async function startPeer(maxLinks = 8): Promise<TestPeer> {
  const server = new GuardedHttpServer({ name: 'test', host: '127.0.0.1' });
  const seen = new Recorder();
  const transport = new SocketIoTransport({ server, maxMessageBytes: MAX_MESSAGE_BYTES, maxLinks }, seen);
  const port = await server.listen('127.0.0.1', 0);
  return { url: `http://127.0.0.1:${port}`, port, seen, transport, server };
}

async function stopPeer(peer: TestPeer): Promise<void> {
  await peer.transport.stop();
  await peer.server.close();
  expect(peer.seen.violations).toEqual([]);
}

/** A WebSocket on the peers' path after Engine.IO's handshake; `join` does Socket.IO's as well. */
async function dialRaw(port: number, join: boolean): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/rumeur/?EIO=4&transport=websocket`);
  ws.on('error', () => undefined);
  await once(ws, 'message');
  if (join) {
    ws.send('40');
    await once(ws, 'message');
  }
  return ws;
}

describe('garbage on the path of the peers', () => {
  let victim: TestPeer;
  let friend: TestPeer;

  beforeEach(async () => {
    victim = await startPeer();
    friend = await startPeer();
    friend.transport.dial(victim.url);
    await victim.seen.link();
  });
  // Whatever a test did: the link of the friend still carries messages, and nobody else got one through.
  afterEach(async () => {
    const link = await friend.seen.link();
    friend.transport.send(link.id, Buffer.from('still here'));
    await victim.seen.until(() => victim.seen.links[0]?.messages.length === 1);
    expect(victim.seen.links[0]?.closed).toBeUndefined();
    await stopPeer(friend);
    await stopPeer(victim);
  });

  const nested = (open: string, close: string): string => open.repeat(5000) + close.repeat(5000);
  const beforeJoining: [string, string | Buffer][] = [
    ['random text', 'what is this'],
    ['random bytes', randomBytes(1000)],
    ['an Engine.IO packet of no type', '9'],
    ['an Engine.IO ping, which is the server’s to send', '2'],
    ['an Engine.IO open packet', '0{"sid":"x"}'],
    ['an empty Engine.IO message', '4'],
    ['a connect to another namespace', '40/admin,'],
    ['a connect with deep nesting', `40${nested('{"a":', '}')}`],
    ['a connect with broken JSON', '40{"a"'],
    ['a connect with a number', '401'],
    ['an event before the connect', '42["m","x"]'],
    ['a disconnect before the connect', '41'],
    ['a connect error', '44{"message":"no"}'],
    ['an ack', '430[]'],
    ['a connect of Socket.IO’s MessagePack parser', Buffer.from(encode({ type: 0, nsp: '/' }))],
    ['megabytes of text', `40${'x'.repeat(99_000)}`],
    ['an oversized message', Buffer.alloc(MAX_MESSAGE_BYTES + 1)],
  ];
  test.each(beforeJoining)('%s before joining closes the connection; no link opens', async (_name, data) => {
    const ws = await dialRaw(victim.port, false);
    const closed = once(ws, 'close');
    ws.send(data);
    await closed;
    expect(victim.seen.links).toHaveLength(1);
  });

  const afterJoining: [string, string | Buffer, string][] = [
    ['random text', 'what is this', CLOSED.badMessage],
    ['an event as text', '42["m","x"]', CLOSED.badMessage],
    ['another event as text', '42["status"]', CLOSED.badMessage],
    ['an event of Node itself as text', '42["error"]', CLOSED.badMessage],
    ['an event with 5,000-deep nesting', `42["m",${nested('[', ']')}]`, CLOSED.badMessage],
    ['an event with __proto__', '42["__proto__",{"__proto__":{"x":1}}]', CLOSED.badMessage],
    ['an event that asks for an ack', '421["m"]', CLOSED.badMessage],
    ['an event that announces attachments', '451-["m",{"_placeholder":true,"num":0}]', CLOSED.badMessage],
    ['an ack', '431[]', CLOSED.badMessage],
    ['a second connect', '40', CLOSED.badMessage],
    ['a connect error', '44{"message":"no"}', CLOSED.byPeer],
    ['an Engine.IO packet of no type', '9', CLOSED.badMessage],
    ['an oversized message', Buffer.alloc(MAX_MESSAGE_BYTES + 1), CLOSED.tooLarge],
    ['a polite disconnect', '41', CLOSED.byPeer],
  ];
  test.each(afterJoining)('%s on a link closes this link', async (_name, data, reason) => {
    const ws = await dialRaw(victim.port, true);
    await victim.seen.link(1);
    const closed = once(ws, 'close');
    ws.send(data);
    const link = await victim.seen.closedLink(1);
    expect(link.closed).toBe(reason);
    expect(link.messages).toEqual([]);
    await closed;
    expect(victim.seen.links).toHaveLength(2);
  });

  test('messages in the same packet as a disconnect are not lost', async () => {
    const ws = await dialRaw(victim.port, true);
    await victim.seen.link(1);
    const cork = (ws as unknown as { _socket: { cork(): void; uncork(): void } })._socket;
    cork.cork();
    ws.send(Buffer.from('last words'));
    ws.send('41');
    cork.uncork();
    const link = await victim.seen.closedLink(1);
    expect(link.messages.map(String)).toEqual(['last words']);
  });

  test('a thousand connects in one packet are one link at most', async () => {
    const ws = await dialRaw(victim.port, false);
    const closed = once(ws, 'close');
    for (let i = 0; i < 1000; i++) ws.send('40');
    await closed;
    await victim.seen.until(() => victim.seen.links.slice(1).every((link) => link.closed !== undefined));
    expect(victim.seen.links.length).toBeLessThanOrEqual(2);
  });

  test('bytes of any kind are a message: what they mean is not the transport’s business', async () => {
    const ws = await dialRaw(victim.port, true);
    const all = [
      randomBytes(1),
      Buffer.alloc(0),
      Buffer.from(nested('[', ']')),
      randomBytes(MAX_MESSAGE_BYTES),
    ];
    for (const bytes of all) ws.send(bytes);
    await victim.seen.until(() => victim.seen.links[1]?.messages.length === all.length);
    expect(
      victim.seen.links[1]?.messages.map((bytes) => Buffer.compare(bytes, all.shift() as Buffer)),
    ).toEqual([0, 0, 0, 0]);
    ws.close();
    expect((await victim.seen.closedLink(1)).closed).toBe(CLOSED.byPeer);
  });

  test('frames that break WebSocket itself close the link', async () => {
    const ws = await dialRaw(victim.port, true);
    await victim.seen.link(1);
    const raw = (ws as unknown as { _socket: { write(data: Buffer): void } })._socket;
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
    expect((await victim.seen.closedLink(1)).closed).toBe(CLOSED.badMessage);
  });

  test('a connection that is reset is a lost link', async () => {
    const ws = await dialRaw(victim.port, true);
    await victim.seen.link(1);
    (ws as unknown as { _socket: { resetAndDestroy(): void } })._socket.resetAndDestroy();
    expect((await victim.seen.closedLink(1)).closed).toBe(CLOSED.lost);
  });

  test('a length of almost 2^63 with nothing behind it is refused at once', async () => {
    const ws = await dialRaw(victim.port, true);
    await victim.seen.link(1);
    const raw = (ws as unknown as { _socket: { write(data: Buffer): void } })._socket;
    raw.write(Buffer.from([0x82, 0xff, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]));
    expect((await victim.seen.closedLink(1)).closed).toBe(CLOSED.tooLarge);
  });

  test('a Socket.IO client with the default parser gets nothing through', async () => {
    const client = io(victim.url, {
      path: '/rumeur/',
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
    });
    const over = new Promise<void>((resolve) => {
      client.once('connect_error', () => resolve());
      client.once('disconnect', () => resolve());
    });
    client.on('connect', () => {
      client.emit('m', { __proto__: null, constructor: 1 }, () => undefined);
      client.emit('m', new Uint8Array([1, 2, 3]));
    });
    await over;
    client.disconnect();
    await victim.seen.until(() => victim.seen.links.slice(1).every((link) => link.closed !== undefined));
    expect(victim.seen.links.slice(1).flatMap(({ messages }) => messages)).toEqual([]);
  });

  test('a connection that stops in the middle of a frame does not hold up a stop', async () => {
    const other = await startPeer();
    const ws = await dialRaw(other.port, true);
    (ws as unknown as { _socket: { write(data: Buffer): void } })._socket.write(
      Buffer.from([0x82, 0xfe, 0x10]),
    );
    const silent = await open(other.port);
    const from = performance.now();
    await stopPeer(other);
    expect(performance.now() - from).toBeLessThan(2000);
    silent.destroy();
  });
});

describe('bounds', () => {
  test('links beyond maxLinks are told so, and get in when one has left', async () => {
    const full = await startPeer(2);
    const others = await Promise.all([startPeer(), startPeer(), startPeer()]);
    const [first, second, third] = others;
    first.transport.dial(full.url);
    second.transport.dial(full.url);
    await full.seen.link(1);
    third.transport.dial(full.url);
    await third.seen.until(() => third.seen.failures.length === 1);
    expect(third.seen.failures).toEqual([{ url: full.url, reason: DIAL_FAILED.tooManyLinks }]);
    expect(full.seen.links).toHaveLength(2);

    first.transport.close((await first.seen.link()).id, 'make room');
    await full.seen.until(() => full.seen.links.some(({ closed }) => closed !== undefined));
    third.transport.dial(full.url);
    await third.seen.link();
    await Promise.all([full, ...others].map(stopPeer));
  });

  test('connections that never join are bounded as well', async () => {
    const full = await startPeer(1);
    const sockets = await Promise.all(Array.from({ length: 17 }, () => dialRaw(full.port, false)));
    const late = new WebSocket(`ws://127.0.0.1:${full.port}/rumeur/?EIO=4&transport=websocket`);
    const [error] = (await once(late, 'error')) as [Error];
    expect(error.message).toContain('400');
    for (const ws of sockets) ws.terminate();
    await stopPeer(full);
  });

  test('a peer that reads nothing does not keep a closing link open', async () => {
    const writer = await startPeer();
    const ws = await dialRaw(writer.port, true);
    const { id } = await writer.seen.link();
    ws.pause();
    for (let i = 0; i < 500; i++) writer.transport.send(id, Buffer.alloc(MAX_MESSAGE_BYTES));
    const from = performance.now();
    writer.transport.close(id, 'enough');
    expect((await writer.seen.closedLink()).closed).toBe('enough');
    expect(performance.now() - from).toBeLessThan(1500);
    ws.terminate();
    await stopPeer(writer);
  });
});
