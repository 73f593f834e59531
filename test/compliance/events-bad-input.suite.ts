import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Socket } from 'socket.io-client';
import { call, connect, disconnected, errorOf, next, sendRaw, valueOf } from '../tools/socket-client.js';
import type { EventsUnderTest } from './events.suite.js';

/** `[[[...]]]` */
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

/** What no client may do to a server of the Socket.IO events: each mistake has its error, and the server lives. */
export function eventsRefuseBadInput(title: string, open: () => Promise<EventsUnderTest>): void {
  describe.each([
    ['a default client', {}],
    ['a client with long polling only', { transports: ['polling'] }],
    ['a client with WebSocket only', { transports: ['websocket'] }],
  ])(`bad input to the events of ${title}, from %s`, (_name, options) => {
    let server: EventsUnderTest;
    let socket: Socket;

    beforeAll(async () => {
      server = await open();
      socket = await connect(server.url, options);
      await valueOf(socket, 'set', 'before', 'whole');
    });
    afterAll(async () => {
      // The very same server, after all that was done to it.
      const newcomer = await connect(server.url, options);
      expect(await valueOf(newcomer, 'entries')).toMatchObject([{ key: 'before', value: 'whole' }]);
      newcomer.disconnect();
      socket.disconnect();
      await server.stop();
    });

    test.each<[event: string, args: unknown[], expected: string]>([
      ['get', [], 'get(key, options?)'],
      ['get', ['a', {}, 'more'], 'with 3 arguments'],
      ['get', ['a', 'no function'], 'options is a string'],
      ['get', ['a', null], 'options is null'],
      ['get', ['a', []], 'options is an array'],
      ['get', [1], 'a key is a string, not a number'],
      ['get', [null], 'not null'],
      ['get', [{ toString: 1 }], 'not an object'],
      ['get', ['a', { bucket: 1 }], 'option bucket is 1, not a string'],
      ['get', ['a', { raw: 'yes' }], 'option raw is a string, not true or false'],
      ['set', ['a'], 'set(key, value, options?)'],
      ['set', ['a', 1, 2], 'options is a number'],
      ['set', ['a', 1, { raw: true }], 'a raw value is JSON text in a string, not a number'],
      ['set', ['a', 1, { ttl: 5 }], 'there is no option "ttl"'],
      ['set', ['a', 1, JSON.parse('{"__proto__":{"raw":true}}')], 'there is no option "__proto__"'],
      ['delete', [], 'delete(key, options?)'],
      ['delete', ['a', { raw: true }], 'there is no option "raw"'],
      ['setMany', [], 'setMany([[key, value], ...], options?)'],
      ['setMany', [{ a: 1 }], 'not an object'],
      ['setMany', [[['a', 1], ['b']]], 'pair 1 is an array of 1'],
      ['setMany', [['ab']], 'pair 0 is a string'],
      ['setMany', [[['a', 1, 2]]], 'pair 0 is an array of 3'],
      ['setMany', [Array.from({ length: 1001 }, (_, i) => [`k${i}`, 1])], 'at most 1000 pairs, not 1001'],
      ['keys', ['prefix'], 'keys(options?)'],
      ['keys', [{ limit: 0 }], 'option limit is 0, not a whole number from 1 to 10000'],
      ['keys', [{ limit: 10_001 }], 'a whole number from 1 to 10000'],
      ['entries', [{ limit: 1.5 }], 'option limit is 1.5'],
      ['entries', [{ limit: '10' }], 'option limit is a string'],
      ['keys', [{ prefix: 1 }], 'option prefix'],
      ['keys', [{ after: null }], 'option after is null'],
      ['watch', ['a'], 'watch(options?)'],
      ['watch', [{ prefix: [] }], 'option prefix is an array'],
      ['get', ['a', { siblings: 1 }], 'option siblings is 1, not true or false'],
      ['set', ['a', 1, { context: 1 }], 'option context is 1, not a string'],
      ['set', ['a', 1, { context: 'none of ours' }], 'no context of a read'],
      ['delete', ['a', { context: '' }], 'no context of a read'],
      ['incr', [], 'incr(key, by?, options?)'],
      ['incr', ['a', 1, {}, 2], 'with 4 arguments'],
      ['incr', ['a', 1, 2], 'options is a number'],
      ['incr', ['a', {}, 1], 'with 3 arguments'],
      ['incr', ['a', 1.5], 'a counter changes by a whole number, not 1.5'],
      ['incr', ['a', '1'], 'not a string'],
      ['decr', ['a', null], 'not null'],
      ['decr', ['a', 2 ** 53], 'not 9007199254740992'],
      ['sadd', ['a'], 'sadd(key, member or [members], options?)'],
      ['sadd', ['a', 1], 'a member of a set is a string, not a number'],
      ['sadd', ['a', ['x', null]], 'not null'],
      ['sadd', ['a', {}], 'a member, or a list of them, not an object'],
      ['srem', ['a', Array.from({ length: 1001 }, String)], 'at most 1000 members at once, not 1001'],
      ['smembers', ['a', { limit: 0 }], 'option limit is 0'],
      ['smembers', ['a', { prefix: 'b' }], 'there is no option "prefix"'],
      ['buckets', [1], 'buckets(options?)'],
      ['explain', [], 'explain(key, options?)'],
      ['compare', [{ bucket: 'default' }], 'it takes none'],
      ['verify', ['http://127.0.0.1:1'], 'verify(options?)'],
      ['verify', [{ peer: 3001 }], 'option peer is 3001, not a string'],
      ['verify', [{ prefix: 'a' }], 'it takes peer, bucket'],
      ['removePeer', ['x', { evict: 'yes' }], 'option evict is a string, not true or false'],
      ['unwatch', [], 'unwatch(id, options?)'],
      ['unwatch', [1], 'an id is a string'],
      ['addPeer', [], 'addPeer(url, options?)'],
      ['addPeer', [{}], 'not an object'],
      ['removePeer', [], 'removePeer(url or id, options?)'],
      ['getPeers', [1], 'getPeers(options?)'],
      ['status', [{ bucket: 'default' }], 'it takes none'],
    ])('%s %j is ARGUMENT_INVALID', async (event, args, expected) => {
      const { code, message, hint } = await errorOf(socket, event, ...args);
      expect(code).toBe('ARGUMENT_INVALID');
      expect(`${message} ${hint ?? ''}`).toContain(expected);
    });

    test('a misspelt option or event hears the nearest name', async () => {
      expect(await errorOf(socket, 'keys', { perfix: 'a' })).toMatchObject({
        hint: expect.stringContaining('did you mean prefix?'),
      });
      expect(await errorOf(socket, 'gett', 'a')).toMatchObject({
        code: 'EVENT_UNKNOWN',
        hint: expect.stringContaining('did you mean get?'),
      });
      const { hint } = await errorOf(socket, 'completely different');
      expect(hint).not.toContain('did you mean');
      expect(hint).toContain('the events are get, set, delete');
    });

    test.each(['__proto__', 'constructor', 'toString', 'error', 'connection', '', 'x'.repeat(100_000)])(
      'event %.20s is EVENT_UNKNOWN',
      async (event) => {
        const { code, message } = await errorOf(socket, event, 1);
        expect(code).toBe('EVENT_UNKNOWN');
        expect(message.length).toBeLessThan(200);
      },
    );

    test.each<[code: string, key: string]>([
      ['KEY_EMPTY', ''],
      ['KEY_INVALID', '\ud800'],
      ['KEY_INVALID', 'a\udc00b'],
      ['KEY_TOO_LONG', 'k'.repeat(1025)],
      ['KEY_TOO_LONG', 'é'.repeat(513)],
    ])('%s for a bad key in each event that takes one', async (code, key) => {
      expect(await errorOf(socket, 'get', key)).toMatchObject({ code });
      expect(await errorOf(socket, 'set', key, 1)).toMatchObject({ code });
      expect(await errorOf(socket, 'delete', key)).toMatchObject({ code });
      expect(await errorOf(socket, 'incr', key)).toMatchObject({ code });
      expect(await errorOf(socket, 'sadd', key, 'm')).toMatchObject({ code });
      expect(await errorOf(socket, 'smembers', key)).toMatchObject({ code });
      expect(await errorOf(socket, 'explain', key)).toMatchObject({ code });
      expect(
        await errorOf(socket, 'setMany', [
          ['fine', 1],
          [key, 1],
        ]),
      ).toMatchObject({ code });
      if (key === '') return;
      expect(await errorOf(socket, 'keys', { prefix: key })).toMatchObject({ code });
      expect(await errorOf(socket, 'entries', { after: key })).toMatchObject({ code });
      expect(await errorOf(socket, 'watch', { prefix: key })).toMatchObject({ code });
    });

    test('a key too long is told its length and the limit', async () => {
      expect((await errorOf(socket, 'get', 'k'.repeat(2000))).message).toMatch(/2000.*1024/);
    });

    test('an unknown bucket', async () => {
      for (const bucket of ['nowhere', '__proto__', 'constructor', '']) {
        const calls = [
          ['get', 'a', { bucket }],
          ['set', 'a', 1, { bucket }],
          ['delete', 'a', { bucket }],
          ['setMany', [['a', 1]], { bucket }],
          ['setMany', [], { bucket }],
          ['incr', 'a', { bucket }],
          ['sadd', 'a', 'm', { bucket }],
          ['srem', 'a', [], { bucket }],
          ['smembers', 'a', { bucket }],
          ['explain', 'a', { bucket }],
          ['get', 'a', { bucket, siblings: true }],
          ['keys', { bucket }],
          ['entries', { bucket }],
          ['watch', { bucket }],
        ] as const;
        for (const [event, ...args] of calls) {
          expect(await errorOf(socket, event, ...args)).toMatchObject({ code: 'BUCKET_UNKNOWN' });
        }
      }
    });

    test.each<[event: string, args: unknown[]]>([
      ['incr', ['a']],
      ['decr', ['a', 5]],
      ['sadd', ['a', 'm']],
      ['srem', ['a', ['m']]],
      ['smembers', ['a']],
      ['get', ['a', { siblings: true }]],
    ])('%s %j is POLICY where the last write wins', async (event, args) => {
      expect(await errorOf(socket, event, ...args)).toMatchObject({ code: 'POLICY' });
    });

    test('values too large', async () => {
      const large = 'x'.repeat(2 ** 20);
      const { code, message } = await errorOf(socket, 'set', 'large', large);
      expect([code, message]).toEqual(['VALUE_TOO_LARGE', expect.stringMatching(/1048578.*1048576/)]);
      expect(await errorOf(socket, 'set', 'large', `"${large}"`, { raw: true })).toMatchObject({ code });
      expect(
        await errorOf(socket, 'setMany', [
          ['fine', 1],
          ['large', large],
        ]),
      ).toMatchObject({ code });
    });

    test('raw values that are no JSON', async () => {
      for (const text of [
        '',
        ' ',
        'undefined',
        '{a:1}',
        '[1,]',
        '"\n"',
        '01',
        '1 2',
        '"\ud800"',
        '\ufeff1',
        nested(5000),
      ]) {
        expect(await errorOf(socket, 'set', 'raw', text, { raw: true })).toMatchObject({
          code: 'VALUE_INVALID',
        });
      }
    });

    test.each([5000, 1_000_000])('nesting of %d levels, wherever it is', async (levels) => {
      const deep = nested(levels);
      const refused = async (event: string, args: string, code: string): Promise<void> => {
        const failure = next(socket, 'failed');
        sendRaw(socket, `2["${event}",${args}]`);
        expect(await failure).toEqual({ event, error: expect.objectContaining({ code }) });
      };
      await refused('set', `"deep",${deep}`, 'VALUE_INVALID');
      await refused('set', `"deep",{"a":[${deep}]}`, 'VALUE_INVALID');
      await refused('setMany', `[["deep",${deep}]]`, 'VALUE_INVALID');
      await refused('set', `${deep},1`, 'ARGUMENT_INVALID');
      await refused('set', `"deep",1,{"raw":${deep}}`, 'ARGUMENT_INVALID');
      await refused('set', `"deep",1,{"deep":${deep}}`, 'ARGUMENT_INVALID');
      await refused('get', `"deep",${deep}`, 'ARGUMENT_INVALID');
    });

    test.each([1, 12, 1000])('%d binary attachments', async (count) => {
      const binary = Array.from({ length: count }, () => Buffer.from('bytes'));
      expect(await errorOf(socket, 'set', 'binary', binary)).toMatchObject({
        code: 'VALUE_INVALID',
        message: expect.stringContaining(`${count} binary attachment`),
      });
      expect(await errorOf(socket, 'setMany', [['binary', { binary }]])).toMatchObject({
        code: 'VALUE_INVALID',
      });
      expect(await errorOf(socket, 'set', 'binary', 1, { binary })).toMatchObject({ code: 'VALUE_INVALID' });
      expect(await errorOf(socket, 'get', 'binary', { binary })).toMatchObject({ code: 'ARGUMENT_INVALID' });
      expect(await errorOf(socket, 'get', binary)).toMatchObject({ code: 'ARGUMENT_INVALID' });
      expect(await errorOf(socket, 'nothing', binary)).toMatchObject({ code: 'EVENT_UNKNOWN' });
    });

    test('deep nesting beside an attachment', async () => {
      const failure = next(socket, 'failed');
      sendRaw(socket, `51-["set","binary",[{"_placeholder":true,"num":7},${nested(50_000)}]]`);
      sendRaw(socket, Buffer.from('bytes'));
      expect(await failure).toMatchObject({ event: 'set', error: { code: 'VALUE_INVALID' } });
    });

    test('without an ack, without a name, and with a number for a name', async () => {
      const failure = next(socket, 'failed');
      socket.emit('set', 'a');
      expect(await failure).toEqual({
        event: 'set',
        error: { code: 'ARGUMENT_INVALID', message: expect.stringContaining('set(key, value, options?)') },
      });
      const nameless = next(socket, 'failed');
      sendRaw(socket, '2');
      expect(await nameless).toMatchObject({ error: { code: 'EVENT_UNKNOWN' } });
      const numbered = next(socket, 'failed');
      sendRaw(socket, '2[5]');
      expect(await numbered).toMatchObject({ event: '5', error: { code: 'EVENT_UNKNOWN' } });
    });

    test.each([
      ['an ack with an endless number', `2${'9'.repeat(400)}["get","a"]`],
      ['no payload of an event', '2{"a":1}'],
      ['no JSON', '2["set",'],
      ['a nameless nest', `2[${nested(5000)}]`],
      ['a reserved name', '2["disconnect"]'],
      ['an unknown type', '9["get"]'],
      ['no count of attachments', '5-["set","a",1]'],
      ['no attachments', '50-["set","a",1]'],
      ['more attachments than digits', `5${'9'.repeat(30)}-["set","a",1]`],
      ['text instead of an attachment', '51-["set","a",1]'],
      ['bytes out of the blue', Buffer.from('bytes')],
      ['a second connect', '0'],
      ['an ack that nobody asked for', '31[1]'],
      ['a message larger than the buffer', `2["set","a","${'x'.repeat(6 * 2 ** 20)}"]`],
    ])('%s costs at most the connection that it came on', async (_what, packet) => {
      const stranger = await connect(server.url, options);
      const gone = disconnected(stranger);
      sendRaw(stranger, packet);
      // After what is merely useless, something ends the connection all the same.
      sendRaw(stranger, '9');
      await gone;
      expect(await call(socket, 'get', 'before')).toMatchObject({ value: 'whole' });
    });
  });
}
