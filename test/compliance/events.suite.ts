import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Socket } from 'socket.io-client';
import { compareUtf8 } from '../../src/base/bytes.js';
import { call, collect, connect, errorOf, next, valueOf } from '../tools/socket-client.js';

/** A running server of the events, with default limits and nothing in its `default` bucket. */
export interface EventsUnderTest {
  readonly url: string;
  stop(): Promise<void>;
}

/** What every server of the Socket.IO events must do for well-meaning clients, whatever peer stands behind it. */
export function eventsContract(title: string, open: () => Promise<EventsUnderTest>): void {
  describe.each([
    ['a default client', {}],
    ['a client with WebSocket only', { transports: ['websocket'] }],
  ])(`events of ${title}, for %s`, (_name, options) => {
    let server: EventsUnderTest;
    let socket: Socket;

    beforeAll(async () => {
      server = await open();
      socket = await connect(server.url, options);
    });
    afterAll(async () => {
      socket.disconnect();
      await server.stop();
    });

    const value = (event: string, ...args: unknown[]): Promise<unknown> => valueOf(socket, event, ...args);

    test('set, get, delete', async () => {
      expect(await call(socket, 'get', 'Ville')).toEqual({ ok: true, value: null, found: false });
      expect(await value('delete', 'Ville')).toEqual({ found: false });
      const written = {
        dot: expect.stringMatching(/^[\w-]{21}\.\d+$/),
        stamp: expect.stringMatching(/^[0-9a-f]{16}$/),
      };
      expect(await call(socket, 'set', 'Ville', 'Lyon')).toEqual({ ok: true, value: written });
      expect(await call(socket, 'get', 'Ville')).toEqual({ ok: true, value: 'Lyon', found: true });
      expect(await call(socket, 'set', 'Ville', null, {})).toEqual({ ok: true, value: written });
      expect(await call(socket, 'get', 'Ville', { bucket: 'default' })).toEqual({
        ok: true,
        value: null,
        found: true,
      });
      expect(await value('delete', 'Ville')).toEqual({ found: true, ...written });
      expect(await call(socket, 'get', 'Ville')).toEqual({ ok: true, value: null, found: false });
    });

    test('a call without an ack acts, and says nothing when all is well', async () => {
      const failures: unknown[] = [];
      socket.on('failed', (body) => failures.push(body));
      await value('watch', { prefix: 'no ack' });
      const change = next(socket, 'change');
      socket.emit('set', 'no ack', 1);
      expect(await change).toMatchObject({ key: 'no ack', value: 1 });
      expect(failures).toEqual([]);
      socket.off('failed');
    });

    test('setMany writes all or nothing', async () => {
      expect(
        await value('setMany', [
          ['many/a', 1],
          ['many/b', { x: [2] }],
        ]),
      ).toEqual({ count: 2 });
      expect(await value('get', 'many/b')).toEqual({ x: [2] });
      expect(await value('setMany', [])).toEqual({ count: 0 });
      expect(
        await value(
          'setMany',
          Array.from({ length: 1000 }, (_, i) => [`thousand/${i}`, i]),
        ),
      ).toEqual({ count: 1000 });
      const error = await errorOf(socket, 'setMany', [
        ['many/c', 1],
        ['', 2],
      ]);
      expect(error).toMatchObject({ code: 'KEY_EMPTY', message: expect.stringContaining('pair 1') });
      expect(await call(socket, 'get', 'many/c')).toMatchObject({ found: false });
    });

    test('keys and entries come in pages, in byte order', async () => {
      const names = ['page/a', 'page/b', 'page/é', 'page/\uffee', 'page/𝄞'];
      await value('setMany', names.map((name, i) => [name, { i }]).reverse());
      expect(await call(socket, 'keys', { prefix: 'page/' })).toEqual({ ok: true, value: names });
      expect(await call(socket, 'keys', { prefix: 'page/', limit: 5 })).toEqual({ ok: true, value: names });
      const first = await call(socket, 'keys', { prefix: 'page/', limit: 2 });
      expect(first).toEqual({ ok: true, value: names.slice(0, 2), more: true, after: 'page/b' });
      const rest = await call(socket, 'entries', { prefix: 'page/', after: 'page/b', limit: 10_000 });
      const row = (key: string, i: number): object => ({
        key,
        value: { i },
        dot: expect.any(String),
        stamp: expect.any(String),
      });
      expect(rest).toEqual({ ok: true, value: names.slice(2).map((name, i) => row(name, i + 2)) });
      await value(
        'setMany',
        Array.from({ length: 1000 }, (_, i) => [`pages/${i}`, i]),
      );
      await value('set', 'pages/one more', 1);
      const page = await call(socket, 'keys', { prefix: 'pages/' });
      expect(page).toMatchObject({ ok: true, more: true });
      expect(page.value).toHaveLength(1000);
    });

    test('watches tell of each change once each, overlapping or not, until unwatch', async () => {
      const { id: wide } = (await value('watch')) as { id: string };
      const { id: narrow } = (await value('watch', { prefix: 'w/' })) as { id: string };
      const seen: unknown[] = [];
      socket.on('change', (change) => seen.push(change));
      const { dot, stamp } = (await value('set', 'w/1', [1])) as { dot: string; stamp: string };
      await value('set', 'other', 2);
      await value('delete', 'w/1');
      const about = { bucket: 'default', dot: expect.any(String), stamp: expect.any(String) };
      await value('unwatch', wide);
      await value('set', 'w/2', 3);
      await value('unwatch', narrow);
      await value('set', 'w/3', 4);
      const of = (id: string): unknown[] => seen.filter((change) => (change as { id: string }).id === id);
      expect(of(wide)).toEqual([
        { id: wide, ...about, key: 'w/1', value: [1], dot, stamp },
        { id: wide, ...about, key: 'other', value: 2 },
        { id: wide, ...about, key: 'w/1', deleted: true },
      ]);
      expect(of(narrow)).toEqual([
        { id: narrow, ...about, key: 'w/1', value: [1], dot, stamp },
        { id: narrow, ...about, key: 'w/1', deleted: true },
        { id: narrow, ...about, key: 'w/2', value: 3 },
      ]);
      socket.off('change');
      expect(await errorOf(socket, 'unwatch', narrow)).toMatchObject({ code: 'NOT_FOUND' });
    });

    test('raw values keep every digit, in both directions', async () => {
      const text = '{"price": 1.10, "big": 123456789012345678901234567890, "huge": 1e400}';
      await value('set', 'raw/1', ` \n${text}\t`, { raw: true });
      expect(await call(socket, 'get', 'raw/1', { raw: true })).toEqual({
        ok: true,
        value: text,
        found: true,
      });
      expect(await value('get', 'raw/1')).toEqual(JSON.parse(text));
      const heard = collect(socket, 'change', 2);
      const { id } = (await value('watch', { prefix: 'raw/2', raw: true })) as { id: string };
      await value('setMany', [['raw/2', '1.0']], { raw: true });
      await value('delete', 'raw/2');
      expect(await heard).toEqual([
        {
          id,
          bucket: 'default',
          key: 'raw/2',
          value: '1.0',
          dot: expect.any(String),
          stamp: expect.any(String),
        },
        {
          id,
          bucket: 'default',
          key: 'raw/2',
          deleted: true,
          dot: expect.any(String),
          stamp: expect.any(String),
        },
      ]);
      expect(await value('entries', { prefix: 'raw/', raw: true })).toMatchObject([
        { key: 'raw/1', value: text },
      ]);
      expect(await call(socket, 'get', 'raw/none', { raw: true })).toEqual({
        ok: true,
        value: null,
        found: false,
      });
    });

    test('any JSON value comes back as it was', async () => {
      const json = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' });
      await fc.assert(
        fc.asyncProperty(json, async (sent) => {
          await value('set', 'any value', sent);
          expect(JSON.stringify(await value('get', 'any value'))).toBe(JSON.stringify(sent));
        }),
        { numRuns: 100 },
      );
    });

    test('names of the prototype and lone surrogates are good members of values', async () => {
      const text =
        '{"__proto__":{"constructor":[1]},"constructor":2,"hasOwnProperty":3,"toJSON":4,"toString":null,"\\ud800":"\\udfff"}';
      await value('set', 'members', JSON.parse(text));
      expect(JSON.stringify(await value('get', 'members'))).toBe(text);
      const [row] = (await value('entries', { prefix: 'members' })) as [{ value: unknown }];
      expect(JSON.stringify(row.value)).toBe(text);
    });

    test('what looks like an attachment, and is none, is a value', async () => {
      const placeholder = { _placeholder: true, num: 0 };
      await value('set', 'placeholder', placeholder);
      expect(await value('get', 'placeholder')).toEqual(placeholder);
    });

    test('all well-formed Unicode is a good key, in the order of its bytes', async () => {
      const prefix = 'unicode/';
      const names = new Set([
        '__proto__',
        'constructor',
        'hasOwnProperty',
        ' ',
        '\u0000',
        '\ufffe',
        '\u{10ffff}',
      ]);
      for (const name of fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), 200))
        names.add(name);
      const sorted = [...names].map((name) => prefix + name).sort(compareUtf8);
      await value(
        'setMany',
        sorted.map((name) => [name, name]),
      );
      await value('set', '__proto__', 'bare');
      expect(await value('get', '__proto__')).toBe('bare');
      expect(await value('keys', { prefix })).toEqual(sorted);
      const rows = (await value('entries', { prefix })) as { key: string; value: unknown }[];
      expect(rows.map((row) => row.value)).toEqual(sorted);
      const after = sorted[100];
      expect(await value('keys', { prefix, after })).toEqual(sorted.slice(101));
    });

    test('keys and values up to the limits', async () => {
      const key = 'é'.repeat(512);
      await value('set', key, 'x'.repeat(2 ** 20 - 2));
      expect(await value('get', key)).toHaveLength(2 ** 20 - 2);
      const [row] = (await value('entries', { prefix: key })) as [{ key: string }];
      expect(row.key).toBe(key);
      await value('delete', key);
    });

    test('getPeers, addPeer, removePeer, status', async () => {
      expect(await value('addPeer', 'http://127.0.0.1:9')).toBeNull();
      const known = (await value('getPeers')) as object[];
      expect(known).toContainEqual({
        url: 'http://127.0.0.1:9',
        id: null,
        name: null,
        state: expect.stringMatching(/^(connecting|down)$/),
        rttMs: null,
        direction: null,
        known: 'added',
      });
      expect(await value('removePeer', 'http://127.0.0.1:9')).toBeNull();
      expect(JSON.stringify(await value('getPeers'))).not.toContain('127.0.0.1:9"');
      expect(await errorOf(socket, 'removePeer', 'http://127.0.0.1:10')).toMatchObject({ code: 'NOT_FOUND' });
      expect(await errorOf(socket, 'addPeer', 'not a url')).toMatchObject({ code: 'ARGUMENT_INVALID' });
      expect(await value('status', {})).toMatchObject({
        id: expect.stringMatching(/^[\w-]{21}$/),
        cluster: expect.any(String),
        readOnly: false,
        buckets: { default: { keys: expect.any(Number), hash: expect.stringMatching(/^[0-9a-f]{32}$/) } },
        peers: expect.any(Array),
      });
    });
  });
}
