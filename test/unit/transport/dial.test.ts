import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Server as SocketIoServer } from 'socket.io';
import { WebSocketServer, type WebSocket } from 'ws';

import { GuardedHttpServer } from '../../../src/transport/http-server.js';
import { CLOSED, DIAL_FAILED } from '../../../src/transport/reasons.js';
import { SocketIoTransport } from '../../../src/transport/socket-io.js';
import { Recorder } from '../../compliance/transport.recorder.js';

const disposals: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

function dialler(dialTimeoutMs = 3000): { seen: Recorder; transport: SocketIoTransport } {
  const seen = new Recorder();
  const transport = new SocketIoTransport({ dialTimeoutMs, maxMessageBytes: 10_000 }, seen);
  disposals.push(async () => {
    await transport.stop();
    expect(seen.violations).toEqual([]);
  });
  return { seen, transport };
}

async function failureOf(url: string, dialTimeoutMs?: number): Promise<string | undefined> {
  const { seen, transport } = dialler(dialTimeoutMs);
  transport.dial(url);
  await seen.until(() => seen.failures.length > 0);
  expect(seen.failures).toHaveLength(1);
  expect(seen.failures[0]?.url).toBe(url);
  expect(seen.links).toEqual([]);
  return seen.failures[0]?.reason;
}

/** Serves on a port of the system until the test is over; gives the url. */
async function serve(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  disposals.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A WebSocket server that does as told with each connection. */
async function serveWebSocket(behave: (ws: WebSocket) => void): Promise<string> {
  const http = createHttpServer();
  const wss = new WebSocketServer({ server: http });
  wss.on('connection', (ws) => {
    ws.on('error', () => undefined);
    behave(ws);
  });
  return serve(http);
}

const HANDSHAKE = '0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}';

describe('why a dial failed', () => {
  test('nothing listens', async () => {
    const server = createServer();
    const url = await serve(server);
    await new Promise((resolve) => server.close(resolve));
    disposals.pop();
    expect(await failureOf(url)).toBe(DIAL_FAILED.refused);
    expect(await failureOf(url.replace('127.0.0.1', 'localhost'))).toBe(DIAL_FAILED.refused);
  });

  test('the host name is unknown', async () => {
    expect(await failureOf('http://no-such-host.invalid:3001')).toBe(DIAL_FAILED.nameUnknown);
  });

  test('something accepts and says nothing: the bound of the whole dial', async () => {
    const silent = await serve(createServer());
    const mute = await serveWebSocket(() => undefined);
    const stuck = await serveWebSocket((ws) => ws.send(HANDSHAKE));
    const from = performance.now();
    expect(await Promise.all([silent, mute, stuck].map((url) => failureOf(url, 300)))).toEqual(
      Array.from({ length: 3 }, () => DIAL_FAILED.timeout),
    );
    expect(performance.now() - from).toBeLessThan(2000);
  });

  test('something accepts and closes', async () => {
    expect(await failureOf(await serve(createServer((socket) => socket.end())))).toBe(DIAL_FAILED.hungUp);
    expect(
      await failureOf(
        await serve(createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))),
      ),
    ).toBe(DIAL_FAILED.hungUp);
    expect(await failureOf(await serveWebSocket((ws) => ws.close()))).toBe(DIAL_FAILED.hungUp);
  });

  test.each([200, 301, 400, 404, 500])('an HTTP server that answers %d is no peer', async (status) => {
    const url = await serve(
      createHttpServer((_request, response) =>
        response.writeHead(status, { location: '/elsewhere' }).end('hello'),
      ),
    );
    expect(await failureOf(url)).toBe(DIAL_FAILED.notAPeer);
  });

  test('a server that does not speak HTTP is no peer', async () => {
    expect(
      await failureOf(await serve(createServer((socket) => socket.end('220 mail.example ESMTP\r\n')))),
    ).toBe(DIAL_FAILED.notAPeer);
  });

  test('the guard of the other side refuses the name that we dialled', async () => {
    const server = createHttpServer();
    server.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n'),
    );
    expect(await failureOf(await serve(server))).toBe(DIAL_FAILED.forbidden);
  });

  test('a Socket.IO server of others, even on our path, is no peer', async () => {
    const http = createHttpServer();
    const others = new SocketIoServer(http, { path: '/rumeur/' });
    others.on('connection', (socket) => socket.emit('hello', { a: 1 }));
    const url = await serve(http);
    disposals.push(() => others.close());
    expect(await failureOf(url)).toBe(DIAL_FAILED.notAPeer);
  });

  test('a TLS server cannot be dialled as http, nor an HTTP server as https', async () => {
    const url = await serve(createHttpServer());
    expect(await failureOf(url.replace('http:', 'https:'))).toBe(DIAL_FAILED.notAPeer);
  });

  test('a guard that does not know the name we dial says forbidden', async () => {
    const server = new GuardedHttpServer({ name: 'test', host: '127.0.0.1' });
    const port = await server.listen('127.0.0.1', 0);
    disposals.push(() => server.close());
    // Nothing is mounted, so that a dial that passes the guard ends in 404.
    expect(await failureOf(`http://localhost:${port}`)).toBe(DIAL_FAILED.notAPeer);
  });
});

describe('hostile servers', () => {
  const nested = '['.repeat(5000) + ']'.repeat(5000);
  const openings: [string, (string | Buffer)[]][] = [
    ['text', ['what is this']],
    ['bytes', [Buffer.from([1, 2, 3])]],
    ['a handshake that is no JSON', ['0{"sid']],
    ['a handshake without a body', ['0']],
    ['a handshake that is null', ['0null']],
    ['a handshake without fields', ['0{}']],
    ['a handshake that is deeply nested', [`0${nested}`]],
    ['a handshake, then nonsense', [HANDSHAKE, 'nonsense']],
    ['a handshake, then a connect without a session', [HANDSHAKE, '40']],
    ['a handshake, then a connect with a list', [HANDSHAKE, '40[]']],
    ['a handshake, then a connect of another namespace', [HANDSHAKE, '40/x,{"sid":"a"}']],
    ['a handshake, then an event', [HANDSHAKE, '42["m"]']],
    ['a handshake, then a message too early', [HANDSHAKE, Buffer.from('early')]],
    ['a handshake, then a strange connect error', [HANDSHAKE, '44{"message":{"a":[1]}}']],
    ['a handshake, then an oversized message', [HANDSHAKE, Buffer.alloc(20_000)]],
  ];
  test.each(openings)('%s fails the dial and harms nothing', async (name, packets) => {
    const url = await serveWebSocket((ws) => {
      for (const packet of packets) ws.send(packet);
    });
    const reason = await failureOf(url, 1000);
    // Bytes before the handshake are ignored, like those that say nothing at all.
    expect([
      DIAL_FAILED.notAPeer,
      DIAL_FAILED.hungUp,
      ...(name === 'bytes' ? [DIAL_FAILED.timeout] : []),
    ]).toContain(reason);
  });

  const later: [string, (string | Buffer)[], string][] = [
    ['text', ['nonsense'], CLOSED.badMessage],
    ['an event as text', ['42["m","x"]'], CLOSED.badMessage],
    ['a second connect', ['40{"sid":"b"}'], CLOSED.badMessage],
    ['a second handshake that is broken', ['0{'], CLOSED.badMessage],
    ['an oversized message', [Buffer.alloc(20_000)], CLOSED.tooLarge],
    ['a disconnect', ['41'], CLOSED.byPeer],
  ];
  test.each(later)('%s on an open link closes it', async (_name, packets, reason) => {
    const url = await serveWebSocket((ws) => {
      ws.send(HANDSHAKE);
      ws.once('message', () => {
        ws.send('40{"sid":"a"}');
        ws.once('message', () => {
          for (const packet of packets) ws.send(packet);
        });
      });
    });
    const { seen, transport } = dialler();
    seen.onOpened = (id) => transport.send(id, Buffer.from('hello'));
    transport.dial(url);
    const link = await seen.closedLink();
    expect(link.closed).toBe(reason);
    expect(link.messages).toEqual([]);
  });
});

test('dials to many places at once do not hinder each other', async () => {
  const silent = await serve(createServer());
  const server = new GuardedHttpServer({ name: 'test', host: '127.0.0.1' });
  const there = new Recorder();
  const listener = new SocketIoTransport({ server }, there);
  const port = await server.listen('127.0.0.1', 0);
  disposals.push(async () => {
    await listener.stop();
    await server.close();
  });
  const { seen, transport } = dialler(10_000);
  transport.dial(silent);
  transport.dial(`http://127.0.0.1:${port}`);
  await seen.link();
  const from = performance.now();
  await transport.stop();
  expect(performance.now() - from).toBeLessThan(1000);
  expect(seen.failures).toEqual([{ url: silent, reason: DIAL_FAILED.stopped }]);
  expect(seen.links[0]?.closed).toBe(CLOSED.stopped);
});
