import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Server } from 'socket.io';
import { io, type Socket as Client } from 'socket.io-client';

import { RumeurError } from '../../../src/base/errors.js';
import { GuardedHttpServer } from '../../../src/transport/http-server.js';
import { listenError } from '../../../src/transport/listen-error.js';
import { SocketIoTransport } from '../../../src/transport/socket-io.js';
import { Recorder } from '../../compliance/transport.recorder.js';
import { closing, exchange, open, request, upgrade } from './raw-http.js';

const POLLING = '/socket.io/?EIO=4&transport=polling';
const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket';
const PEERS_WEBSOCKET = '/rumeur/?EIO=4&transport=websocket';
const BUNDLE = '/socket.io/socket.io.js';

describe('GuardedHttpServer', () => {
  let server: GuardedHttpServer;
  let clients: Server;
  let transport: SocketIoTransport;
  let port: number;
  let local: Record<string, string>;
  const errors: RumeurError[] = [];
  const opened: Client[] = [];

  beforeEach(async () => {
    server = new GuardedHttpServer({
      name: 'paris',
      host: '127.0.0.1',
      allowedOrigins: ['http://app.example'],
      onError: (error) => errors.push(error),
    });
    clients = new Server({ cors: { origin: ['http://app.example'] } });
    clients.attach(server.mount('/socket.io/'));
    transport = new SocketIoTransport({ server }, new Recorder());
    port = await server.listen('127.0.0.1', 0);
    local = { Host: `localhost:${port}` };
  });
  afterEach(async () => {
    for (const client of opened.splice(0)) client.disconnect();
    await transport.stop();
    await clients.close();
    await server.close();
    expect(errors.splice(0)).toEqual([]);
  });

  const foreign: [string, Record<string, string>][] = [
    ['a foreign Host', { Host: 'evil.example' }],
    ['a foreign Origin', { Host: 'localhost', Origin: 'http://evil.example' }],
    ['a null Origin', { Host: 'localhost', Origin: 'null' }],
    ['a foreign page without Origin', { Host: 'localhost', 'Sec-Fetch-Site': 'same-site' }],
  ];
  describe.each(foreign)('%s', (_name, fields) => {
    test.each(['/', BUNDLE, POLLING, WEBSOCKET, PEERS_WEBSOCKET, '/nowhere'])(
      'is 403 on %s',
      async (path) => {
        const answer = await request(port, path, fields);
        expect(answer.status).toBe(403);
        const words: unknown = expect.stringMatching(/./);
        expect(JSON.parse(answer.text)).toEqual({
          ok: false,
          error: { code: 'FORBIDDEN', message: words, hint: words },
        });
      },
    );

    test.each([WEBSOCKET, PEERS_WEBSOCKET, '/nowhere'])('is 403 on an upgrade of %s', async (path) => {
      const answer = await upgrade(port, path, fields);
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.text)).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
    });

    test('is 403 on a POST with a body', async () => {
      const body = { ...fields, 'Content-Length': '5', 'Content-Type': 'text/plain' };
      expect((await request(port, POLLING, body, 'POST')).status).toBe(403);
      expect((await request(port, POLLING, fields, 'OPTIONS')).status).toBe(403);
    });
  });

  test('our own requests pass: page, bundle, polling, upgrade of clients and of peers', async () => {
    const page = await request(port, '/', local);
    expect(page.status).toBe(200);
    expect(page.text).toContain('paris');
    expect(page.text).toContain(`http://localhost:${port}`);
    const bundle = await request(port, BUNDLE, local);
    expect(bundle.status).toBe(200);
    expect(bundle.text).toContain('Socket.IO');
    expect(await request(port, POLLING, local)).toMatchObject({
      status: 200,
      text: expect.stringContaining('"sid"') as unknown,
    });
    expect((await upgrade(port, WEBSOCKET, local)).status).toBe(101);
    expect((await upgrade(port, PEERS_WEBSOCKET, local)).status).toBe(101);
    const own = { ...local, Origin: `http://localhost:${port}` };
    expect((await upgrade(port, WEBSOCKET, own)).status).toBe(101);
  });

  test('an allowed origin passes and gets its CORS header from Socket.IO', async () => {
    const fields = { ...local, Origin: 'http://app.example', Connection: 'close' };
    const lines = [
      `GET ${POLLING} HTTP/1.1`,
      ...Object.entries(fields).map(([k, v]) => `${k}: ${v}`),
      '',
      '',
    ];
    expect(await exchange(port, lines.join('\r\n'))).toMatch(
      /^HTTP\/1\.1 200 [^]*access-control-allow-origin: http:\/\/app\.example\r\n/i,
    );
  });

  test('unknown paths are 404 with JSON, upgrades too', async () => {
    for (const path of ['/nowhere', '/rumeur', '/socket.io', '//', '/%00', 'http://evil.example/']) {
      const answer = await request(port, path, local);
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.text)).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    }
    expect((await request(port, '/', local, 'DELETE')).status).toBe(404);
    const answer = await upgrade(port, '/nowhere', local);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text)).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
  });

  test('peers reject polling and older protocols without a word to the clients', async () => {
    expect((await request(port, '/rumeur/?EIO=4&transport=polling', local)).status).toBe(400);
    expect((await upgrade(port, '/rumeur/?EIO=3&transport=websocket', local)).status).not.toBe(200);
    expect((await request(port, '/rumeur/rumeur.js', local)).status).toBe(400);
  });

  test('two engines on one port leave each other alone, also when one takes its time to upgrade', async () => {
    const slow = new Server({
      path: '/slow/',
      transports: ['websocket'],
      // Longer than the second after which Engine.IO ends upgrades that are not its own.
      allowRequest: (_request, decide) => void delay(1300).then(() => decide(null, true)),
    });
    slow.attach(server.mount('/slow/'));
    const client = io(`http://127.0.0.1:${port}`, {
      path: '/slow/',
      transports: ['websocket'],
      reconnection: false,
    });
    opened.push(client);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('connect_error', reject);
    });
    await slow.close();
  });

  test('malformed HTTP is answered and does no harm', async () => {
    const nonsense = [
      'nonsense\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
    ];
    const answers = await Promise.all(nonsense.map((text) => exchange(port, text)));
    expect(answers.map((text) => text.slice(0, 12))).toEqual([
      'HTTP/1.1 400',
      'HTTP/1.1 400',
      'HTTP/1.1 431',
    ]);
    const http10 = await exchange(port, 'GET / HTTP/1.0\r\n\r\n');
    expect(http10).toMatch(/^HTTP\/1\.1 403 /);
    const many = Array.from({ length: 200 }, (_, i) => [`X-${i}`, '1']);
    const hidden = {
      ...local,
      ...(Object.fromEntries(many) as Record<string, string>),
      Origin: 'http://evil.example',
    };
    expect((await request(port, '/', { Connection: 'close', ...hidden })).status).toBe(403);
    expect((await request(port, '/', local)).status).toBe(200);
  });

  test('connections that are reset in the middle do no harm', async () => {
    for (const text of [
      'GET / HT',
      `GET ${WEBSOCKET} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`,
    ]) {
      const socket = await open(port);
      socket.write(text);
      socket.resetAndDestroy();
    }
    expect((await request(port, '/', local)).status).toBe(200);
  });

  test('close ends keep-alive, half-sent, silent, WebSocket and polling connections within a second', async () => {
    const silent = await open(port);
    const halfSent = await open(port);
    halfSent.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc');
    const keepAlive = await open(port);
    keepAlive.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(keepAlive, 'data');
    const client = io(`http://127.0.0.1:${port}`, { reconnection: false, forceNew: true });
    const polling = io(`http://127.0.0.1:${port}`, {
      reconnection: false,
      forceNew: true,
      transports: ['polling'],
    });
    opened.push(client, polling);
    await Promise.all(
      [client, polling].map((each) => new Promise<void>((resolve) => each.once('connect', () => resolve()))),
    );
    const ends = Promise.all([silent, halfSent, keepAlive].map(closing));
    const from = performance.now();
    await Promise.all([server.close(), server.close()]);
    await ends;
    expect(performance.now() - from).toBeLessThan(1000);
  });

  test('connections beyond the bound are closed, and there is room again when one ends', async () => {
    const small = new GuardedHttpServer({ name: 'small', host: '127.0.0.1', maxConnections: 2 });
    const smallPort = await small.listen('127.0.0.1', 0);
    const first = await open(smallPort);
    const second = await open(smallPort);
    second.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(second, 'data');
    expect((await request(smallPort, '/', local)).status).toBe(0);
    const gone = closing(first);
    first.end();
    await gone;
    expect((await request(smallPort, '/', local)).status).toBe(200);
    await small.close();
  });

  test('an inner server that throws is answered with 500 and reported', async () => {
    server.mount('/broken/').on('request', () => {
      throw new Error('oops');
    });
    expect((await request(port, '/broken/', local)).status).toBe(500);
    expect(errors.splice(0)).toMatchObject([{ code: 'INTERNAL', message: 'oops' }]);
  });
});

describe('listen', () => {
  const failure = async (host: string, port: number): Promise<RumeurError> => {
    const server = new GuardedHttpServer({ name: 'test', host });
    try {
      await server.listen(host, port);
    } catch (error) {
      expect(error).toBeInstanceOf(RumeurError);
      await server.close();
      return error as RumeurError;
    }
    await server.close();
    throw new Error('it listens');
  };

  test('a taken port is IN_USE, with the port and what to do', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const error = await failure('127.0.0.1', port);
    expect(error.code).toBe('IN_USE');
    expect(error.message).toContain(String(port));
    expect(error.hint).toMatch(/port/);
    await new Promise((resolve) => other.close(resolve));
  });

  test('a host that is not ours, or unknown, is CONFIG_INVALID', async () => {
    expect(await failure('192.0.2.1', 0)).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('192.0.2.1') as unknown,
    });
    expect(await failure('no-such-host.invalid', 0)).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('port is 0 before, actual while, and 0 after listening; close before listen is fine', async () => {
    const server = new GuardedHttpServer({ name: 'test', host: '127.0.0.1' });
    expect(server.port).toBe(0);
    expect(await server.listen('127.0.0.1', 0)).toBe(server.port);
    expect(server.port).toBeGreaterThan(0);
    await server.close();
    expect(server.port).toBe(0);
    await new GuardedHttpServer({ name: 'test', host: '127.0.0.1' }).close();
  });
});

test.each([
  ['EADDRINUSE', 'IN_USE', /port 80 /],
  ['EACCES', 'CONFIG_INVALID', /may not listen on port 80/],
  ['EAI_AGAIN', 'CONFIG_INVALID', /cannot be resolved/],
  ['EMFILE', 'INTERNAL', /told so/],
])('%s on listening becomes %s', (systemCode, code, message) => {
  const cause = Object.assign(new Error('told so'), { code: systemCode });
  const error = listenError(cause, 'box.lan', 80);
  expect(error).toMatchObject({ code, cause, message: expect.stringMatching(message) as unknown });
  if (code !== 'INTERNAL') expect(error.hint).toMatch(/./);
});
