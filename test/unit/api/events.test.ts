import { afterEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'socket.io-client';
import { utf8 } from '../../../src/base/bytes.js';
import { type EventsFixture, startEvents } from '../../tools/events-server.js';
import {
  type Ack,
  call,
  collect,
  connect,
  disconnected,
  errorOf,
  next,
  valueOf,
} from '../../tools/socket-client.js';

const MEBIBYTE = 2 ** 20;
const WEBSOCKET = { transports: ['websocket'] };

/** Stops or goes on reading from the network: what a client does that is too slow or stuck. */
const reading = (socket: Socket, goesOn: boolean): void => {
  const { ws } = socket.io.engine.transport as unknown as { ws: { pause(): void; resume(): void } };
  if (goesOn) ws.resume();
  else ws.pause();
};

/** Lets the event loop turn until a state that no event tells of is reached. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

let open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
});

async function start(...options: Parameters<typeof startEvents>): Promise<EventsFixture> {
  const server = await startEvents(...options);
  open.push(() => server.stop());
  return server;
}

async function client(
  server: EventsFixture,
  options: Parameters<typeof connect>[1] = WEBSOCKET,
): Promise<Socket> {
  const socket = await connect(server.url, options);
  open.push(() => Promise.resolve(void socket.disconnect()));
  return socket;
}

describe('bounds', () => {
  test('of clients: one too many is told why, and comes in when another has left', async () => {
    const server = await start({ clients: 2 });
    const [first] = [await client(server), await client(server, {})];
    await expect(connect(server.url)).rejects.toMatchObject({
      message: expect.stringMatching(/^OVERLOADED: .*2 clients/),
      data: { code: 'OVERLOADED', message: expect.any(String), hint: expect.any(String) },
    });
    expect(server.events.clients).toBe(2);
    first.disconnect();
    await until(() => server.events.clients === 1);
    expect(await valueOf(await client(server), 'get', 'a')).toBeNull();
  });

  test('of requests under way', async () => {
    const server = await start({ requestsPerClient: 2 });
    const socket = await client(server);
    const release = server.service.holdDisk();
    const writes = [call(socket, 'set', 'a', 1), call(socket, 'set', 'b', 2)];
    expect(await errorOf(socket, 'set', 'c', 3)).toMatchObject({
      code: 'OVERLOADED',
      hint: expect.any(String),
    });
    const other = await client(server);
    const elsewhere = call(other, 'set', 'd', 4);
    release();
    expect(await Promise.all([...writes, elsewhere])).toMatchObject([
      { ok: true },
      { ok: true },
      { ok: true },
    ]);
    expect(await valueOf(socket, 'keys')).toEqual(['a', 'b', 'd']);
  });

  test('of bytes under way, but a single write goes through', async () => {
    const server = await start({ clientBufferBytes: 1000 });
    const socket = await client(server);
    const release = server.service.holdDisk();
    const large = call(socket, 'set', 'large', 'x'.repeat(5000));
    expect(await errorOf(socket, 'set', 'small', 'x')).toMatchObject({ code: 'OVERLOADED' });
    release();
    expect(await large).toMatchObject({ ok: true });
    expect(await call(socket, 'set', 'small', 'x')).toMatchObject({ ok: true });
  });

  test('of watches', async () => {
    const server = await start({ watchesPerClient: 2 });
    const socket = await client(server);
    const { id } = (await valueOf(socket, 'watch')) as { id: string };
    await valueOf(socket, 'watch');
    expect(await errorOf(socket, 'watch')).toMatchObject({ code: 'OVERLOADED' });
    await valueOf(socket, 'unwatch', id);
    await valueOf(socket, 'watch');
    expect(server.service.watches.size).toBe(2);
  });

  test('of changes that a client does not read: its watches end, and it hears so', async () => {
    const server = await start({ clientBufferBytes: MEBIBYTE });
    const slow = await client(server);
    const writer = await client(server);
    const ids = [await valueOf(slow, 'watch'), await valueOf(slow, 'watch', { prefix: 'a' })];
    await valueOf(writer, 'watch', { prefix: 'none of these' });
    reading(slow, false);
    const value = 'x'.repeat(MEBIBYTE - 2);
    let writes = 0;
    for (; server.service.watches.size > 1 && writes < 100; writes++)
      await valueOf(writer, 'set', 'a', value);
    expect(writes).toBeLessThan(100);
    expect(server.service.watches.size).toBe(1);
    const failures = collect(slow, 'failed', 2);
    reading(slow, true);
    const error = { code: 'WATCH_OVERFLOW', message: expect.any(String), hint: expect.any(String) };
    expect(await failures).toEqual(ids.map((watch) => ({ event: 'watch', ...(watch as object), error })));
    expect(await call(slow, 'watch')).toMatchObject({ ok: true });
  });

  test('of answers that a client does not read: it is refused more', async () => {
    const server = await start({ clientBufferBytes: MEBIBYTE });
    const slow = await client(server);
    await valueOf(slow, 'set', 'a', 'x'.repeat(MEBIBYTE - 2));
    reading(slow, false);
    const answers = Array.from({ length: 100 }, () => call(slow, 'get', 'a'));
    await valueOf(await client(server), 'status');
    reading(slow, true);
    const all = await Promise.all(answers);
    const refused = all.filter(({ error }) => error?.code === 'OVERLOADED').length;
    expect(refused).toBeGreaterThan(50);
    expect(all.filter(({ ok }) => ok)).toHaveLength(100 - refused);
    expect(await call(slow, 'get', 'a')).toMatchObject({ found: true });
  });

  test('of refusals that a client does not read: it is cut off', async () => {
    const server = await start({ clientBufferBytes: 1000, valueBytes: 1000 });
    const slow = await client(server);
    for (let i = 0; i < 20; i++) server.service.plant(`large${i}`, utf8(`"${'x'.repeat(MEBIBYTE)}"`));
    reading(slow, false);
    const gone = disconnected(slow);
    for (let i = 0; i < 4; i++) slow.emit('entries', { prefix: 'large' }, () => undefined);
    for (let i = 0; i < 150_000; i++) slow.emit('get', 'a', { wrong: 1 });
    await until(() => server.events.clients === 0);
    reading(slow, true);
    await gone;
  });

  test('of a page: it ends early, and the next goes on', async () => {
    const server = await start();
    const socket = await client(server);
    const names = Array.from({ length: 20 }, (_, i) => `k${String(i).padStart(2, '0')}`);
    for (const name of names) server.service.plant(name, utf8(`"${'x'.repeat(MEBIBYTE)}"`));
    server.service.plant('z', utf8(`"${'x'.repeat(9 * MEBIBYTE)}"`));
    const seen: string[] = [];
    const sizes: number[] = [];
    let after: string | undefined;
    do {
      const page = await call(socket, 'entries', after === undefined ? {} : { after });
      const rows = page.value as { key: string }[];
      seen.push(...rows.map(({ key }) => key));
      sizes.push(rows.length);
      ({ after } = page);
      expect([page.more, after]).toEqual(after === undefined ? [undefined, undefined] : [true, seen.at(-1)]);
    } while (after !== undefined);
    expect(seen).toEqual([...names, 'z']);
    expect(sizes).toEqual([7, 7, 6, 1]);
    expect(await call(socket, 'keys')).toEqual({ ok: true, value: [...names, 'z'] });
  });
});

describe('a connection that ends', () => {
  test('takes its watches along, and leaves its writes to be done', async () => {
    const server = await start();
    const socket = await client(server);
    await valueOf(socket, 'watch');
    await valueOf(socket, 'watch', { prefix: 'a' });
    const release = server.service.holdDisk();
    socket.emit('set', 'a', 1);
    socket.emit('set', 'b');
    await next(socket, 'failed');
    socket.disconnect();
    await until(() => server.events.clients === 0);
    expect(server.service.watches.size).toBe(0);
    release();
    const other = await client(server);
    expect(await valueOf(other, 'keys')).toEqual(['a']);
    expect(server.reports).toEqual([]);
  });

  test('with its namespace only, is closed', async () => {
    const server = await start();
    const socket = await client(server);
    const { engine } = socket.io;
    const closed = new Promise((resolve) => engine.once('close', resolve));
    engine.write('1');
    await closed;
  });
});

describe('errors that are no client’s fault', () => {
  test('stored bytes that are no JSON: named, reported, and to be seen raw', async () => {
    const server = await start();
    const socket = await client(server);
    server.service.plant('bad', utf8('{"a":'));
    server.service.plant('good', utf8('1'));
    expect(await errorOf(socket, 'get', 'bad')).toMatchObject({ code: 'INTERNAL', hint: expect.any(String) });
    expect(await errorOf(socket, 'entries')).toMatchObject({ code: 'INTERNAL' });
    expect(await valueOf(socket, 'get', 'bad', { raw: true })).toBe('{"a":');
    expect(await valueOf(socket, 'keys')).toEqual(['bad', 'good']);
    const { id } = (await valueOf(socket, 'watch')) as { id: string };
    const failure = next(socket, 'failed');
    const change = next(socket, 'change');
    server.service.plant('bad', utf8(']'));
    server.service.plant('good', utf8('2'));
    expect(await failure).toMatchObject({ event: 'watch', id, error: { code: 'INTERNAL' } });
    expect(await change).toMatchObject({ id, key: 'good', value: 2 });
    expect(server.reports).toEqual(['get', 'entries', 'watch'].map((event) => ({ code: 'INTERNAL', event })));
  });

  test('a bug below is INTERNAL and reported, thrown or rejected', async () => {
    const server = await start();
    const socket = await client(server);
    server.service.getPeers = () => {
      throw new TypeError('a bug');
    };
    server.service.addPeer = () => Promise.reject(new TypeError('another'));
    expect(await errorOf(socket, 'getPeers')).toEqual({ code: 'INTERNAL', message: 'a bug' });
    expect(await errorOf(socket, 'addPeer', 3001)).toEqual({ code: 'INTERNAL', message: 'another' });
    expect(server.reports.map(({ event }) => event)).toEqual(['getPeers', 'addPeer']);
  });
});

describe('close', () => {
  test('answers what is under way and refuses the rest', async () => {
    const server = await start();
    const socket = await client(server);
    const polling = await client(server, { transports: ['polling'] });
    const release = server.service.holdDisk();
    const write = call(socket, 'set', 'a', 1);
    await valueOf(socket, 'status');
    const gone = [disconnected(socket), disconnected(polling)];
    const closed = server.events.close(10_000);
    expect(await errorOf(socket, 'get', 'a')).toMatchObject({
      code: 'OVERLOADED',
      message: 'this peer is stopping',
    });
    await expect(connect(server.url, WEBSOCKET)).rejects.toThrow();
    release();
    expect(await write).toMatchObject({ ok: true });
    await Promise.all([...gone, closed]);
    expect(server.events.clients).toBe(0);
  });

  test('waits for nobody beyond its time', async () => {
    const server = await start();
    const socket = await client(server);
    const stuck = await client(server);
    reading(stuck, false);
    const release = server.service.holdDisk();
    const write: Promise<Ack> = call(socket, 'set', 'a', 1);
    write.catch(() => undefined);
    await valueOf(socket, 'status');
    const gone = disconnected(socket);
    await server.events.close(50);
    await gone;
    release();
    reading(stuck, true);
    await disconnected(stuck);
  });
});

describe('the server', () => {
  const handshake = '/socket.io/?EIO=4&transport=polling';

  test('lets in the pages of allowed origins only', async () => {
    const headers = { origin: 'https://shop.example' };
    const closed = await start();
    expect(
      (await fetch(closed.url + handshake, { headers })).headers.get('access-control-allow-origin'),
    ).toBeNull();
    const opened = await start({}, ['https://shop.example']);
    const allowed = await fetch(opened.url + handshake, { headers });
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    const foreign = await fetch(opened.url + handshake, { headers: { origin: 'https://evil.example' } });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('brings the client for browsers along, and leaves other paths alone', async () => {
    const server = await start();
    const bundle = await fetch(`${server.url}/socket.io/socket.io.js`);
    expect(bundle.status).toBe(200);
    expect(await bundle.text()).toContain('Socket.IO');
    expect((await fetch(server.url)).status).toBe(404);
  });

  test('has one namespace', async () => {
    const server = await start();
    await expect(connect(`${server.url}/other`)).rejects.toThrow('Invalid namespace');
  });
});
