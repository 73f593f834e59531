import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Socket } from 'socket.io-client';
import type { ConfigInput } from '../../src/index.js';
import { call, collect, connect, errorOf, valueOf } from '../tools/socket-client.js';
import type { EventsUnderTest } from './events.suite.js';

/** One bucket of each policy. */
const BUCKETS = {
  default: { policy: 'lww' },
  orders: { policy: 'fww' },
  carts: { policy: 'siblings' },
  visits: { policy: 'counter' },
  tags: { policy: 'set' },
} as const;

type Open = (config: Partial<ConfigInput>) => Promise<EventsUnderTest>;

/** What every server of the events must do in buckets of each policy. */
export function eventsOfPolicies(title: string, open: Open): void {
  describe(`policies of ${title}`, () => {
    let server: EventsUnderTest;
    let socket: Socket;

    beforeAll(async () => {
      server = await open({ buckets: BUCKETS, limits: { siblings: 4 } });
      socket = await connect(server.url);
    });
    afterAll(async () => {
      socket.disconnect();
      await server.stop();
    });

    const ask = (event: string, ...args: unknown[]) => call(socket, event, ...args);
    const value = (event: string, ...args: unknown[]): Promise<unknown> => valueOf(socket, event, ...args);
    const error = (event: string, ...args: unknown[]) => errorOf(socket, event, ...args);
    const written = {
      dot: expect.stringMatching(/^[\w-]{21}\.\d+$/),
      stamp: expect.stringMatching(/^[0-9a-f]{16}$/),
    };

    /** The changes of a bucket while `act` runs, as many as are named. */
    async function changesIn(bucket: string, count: number, act: () => Promise<unknown>): Promise<unknown[]> {
      const { id } = (await value('watch', { bucket })) as { id: string };
      const changes = collect(socket, 'change', count);
      await act();
      const seen = (await changes) as Record<string, unknown>[];
      await value('unwatch', id);
      return seen.map((change) => {
        expect(change).toMatchObject({ id, bucket, ...written });
        return Object.fromEntries(
          Object.entries(change).filter(([name]) => !['id', 'bucket', 'dot', 'stamp'].includes(name)),
        );
      });
    }

    test('buckets tells each with its policy and its keys', async () => {
      await value('set', 'one', 1);
      expect(await value('buckets')).toEqual(
        Object.fromEntries(
          Object.entries(BUCKETS).map(([name, bucket]) => [name, { ...bucket, keys: expect.any(Number) }]),
        ),
      );
      expect(await value('buckets', {})).toMatchObject({ default: { keys: 1 } });
    });

    describe('fww', () => {
      const bucket = 'orders';

      test('the first write stands', async () => {
        expect(await value('set', 'n1', { paid: true }, { bucket })).toEqual(written);
        const exists = await error('set', 'n1', { paid: false }, { bucket });
        expect(exists).toMatchObject({ code: 'EXISTS', hint: expect.any(String) });
        expect(await error('delete', 'n1', { bucket })).toMatchObject({ code: 'POLICY' });
        expect(await value('get', 'n1', { bucket })).toEqual({ paid: true });
      });

      test('setMany writes nothing when one of its keys exists', async () => {
        await value('set', 'n2', 1, { bucket });
        const rows = [
          ['n3', 1],
          ['n2', 2],
        ];
        expect(await error('setMany', rows, { bucket })).toMatchObject({ code: 'EXISTS' });
        expect(await ask('get', 'n3', { bucket })).toMatchObject({ found: false });
      });
    });

    describe('siblings', () => {
      const bucket = 'carts';
      const read = (key: string, options = {}) => ask('get', key, { bucket, siblings: true, ...options });
      const contextOf = async (key: string): Promise<unknown> => (await read(key)).context;

      test('a write with a context replaces what it has seen, and stands beside the rest', async () => {
        expect(await read('c1')).toEqual({ ok: true, value: [], context: null, found: false });
        await value('set', 'c1', 'milk', { bucket });
        const context = await contextOf('c1');
        expect(context).toEqual(expect.stringMatching(/^[\w-]+$/));
        await value('set', 'c1', 'bread', { bucket, context });
        await value('set', 'c1', 'eggs', { bucket, context });
        expect(await read('c1')).toMatchObject({ value: ['bread', 'eggs'], found: true });
        expect(await value('get', 'c1', { bucket })).toBe('eggs');
        await value('set', 'c1', ['bread', 'eggs'], { bucket, context: await contextOf('c1') });
        expect(await read('c1', { raw: true })).toMatchObject({ value: ['["bread","eggs"]'] });
      });

      test('a write without a context replaces all that the peer holds', async () => {
        await value('set', 'c2', 1, { bucket });
        const context = await contextOf('c2');
        await value('set', 'c2', 2, { bucket, context });
        await value('set', 'c2', 3, { bucket, context });
        await value('set', 'c2', 4, { bucket });
        expect(await read('c2')).toMatchObject({ value: [4] });
      });

      test('a delete with a context leaves what came later', async () => {
        await value('set', 'c3', 1, { bucket });
        const context = await contextOf('c3');
        await value('set', 'c3', 2, { bucket, context });
        expect(await value('delete', 'c3', { bucket, context })).toEqual({ found: true });
        expect(await read('c3')).toMatchObject({ value: [2] });
        expect(await value('delete', 'c3', { bucket })).toMatchObject({ found: true, ...written });
        expect(await ask('get', 'c3', { bucket })).toMatchObject({ found: false });
      });

      test('watches tell the greatest value and how many there are', async () => {
        await value('set', 'c4', 1, { bucket });
        const context = await contextOf('c4');
        const changes = await changesIn(bucket, 3, async () => {
          await value('set', 'c4', 2, { bucket, context });
          await value('set', 'c4', 3, { bucket, context });
          await value('delete', 'c4', { bucket });
        });
        expect(changes).toEqual([
          { key: 'c4', value: 2 },
          { key: 'c4', value: 3, siblings: 2 },
          { key: 'c4', deleted: true },
        ]);
      });

      test('more values side by side than the limit are refused, also when they come at once', async () => {
        await value('set', 'c5', 0, { bucket });
        const context = await contextOf('c5');
        const acks = await Promise.all(
          Array.from({ length: 10 }, (_, i) => ask('set', 'c5', i, { bucket, context })),
        );
        const codes = acks.flatMap((ack) => (ack.ok ? [] : [ack.error?.code]));
        expect(new Set(codes)).toEqual(new Set(['OVERLOADED']));
        expect((await read('c5')).value).toHaveLength(10 - codes.length);
        expect(10 - codes.length).toBeLessThanOrEqual(4);
        await value('set', 'c5', 'resolved', { bucket, context: await contextOf('c5') });
        expect(await read('c5')).toMatchObject({ value: ['resolved'] });
      });

      test('a context that is cut, changed or of something else', async () => {
        await value('set', 'c6', 0, { bucket });
        const context = String(await contextOf('c6'));
        const wrong = [context.slice(1), context.slice(0, -1), `${context}A`, '', 'A'.repeat(100_000), '$%&'];
        for (const text of wrong) {
          const options = { bucket, context: text };
          expect(await error('set', 'c6', 1, options)).toMatchObject({ code: 'ARGUMENT_INVALID' });
          expect(await error('delete', 'c6', options)).toMatchObject({ code: 'ARGUMENT_INVALID' });
        }
        expect(await error('set', 'c6', 1, { context })).toMatchObject({
          code: 'POLICY',
          hint: expect.stringContaining('"siblings"'),
        });
        expect(await error('get', 'c6', { siblings: true })).toMatchObject({
          code: 'POLICY',
          hint: expect.stringContaining('"siblings"'),
        });
      });
    });

    describe('counter', () => {
      const bucket = 'visits';

      test('incr and decr answer the sum', async () => {
        expect(await value('incr', 'page', { bucket })).toEqual({ value: 1, ...written });
        expect(await value('incr', 'page', 41, { bucket })).toEqual({ value: 42, ...written });
        expect(await value('decr', 'page', { bucket })).toMatchObject({ value: 41 });
        expect(await value('decr', 'page', 50, { bucket })).toMatchObject({ value: -9 });
        expect(await ask('get', 'page', { bucket })).toEqual({ ok: true, value: -9, found: true });
        expect(await value('entries', { bucket, prefix: 'pa' })).toEqual([
          { key: 'page', value: -9, ...written },
        ]);
        expect(await value('keys', { bucket })).toEqual(['page']);
      });

      test('hundreds at once all count', async () => {
        await Promise.all(Array.from({ length: 300 }, () => value('incr', 'many', 2, { bucket })));
        expect(await value('get', 'many', { bucket })).toBe(600);
      });

      test('a delete starts anew; watches tell the sum', async () => {
        const changes = await changesIn(bucket, 4, async () => {
          await value('incr', 'anew', 5, { bucket });
          await value('incr', 'anew', 2, { bucket });
          expect(await value('delete', 'anew', { bucket })).toMatchObject({ found: true });
          await value('incr', 'anew', { bucket });
        });
        expect(changes).toEqual([
          { key: 'anew', value: 5 },
          { key: 'anew', value: 7 },
          { key: 'anew', deleted: true },
          { key: 'anew', value: 1 },
        ]);
      });

      test('no values, nothing beyond the safe integers, and no counting elsewhere', async () => {
        expect(await error('set', 'page', 5, { bucket })).toMatchObject({
          code: 'POLICY',
          hint: expect.stringContaining('incr'),
        });
        await value('incr', 'edge', Number.MAX_SAFE_INTEGER, { bucket });
        expect(await error('incr', 'edge', { bucket })).toMatchObject({ code: 'VALUE_INVALID' });
        expect(await value('get', 'edge', { bucket })).toBe(Number.MAX_SAFE_INTEGER);
        for (const other of ['default', 'orders', 'carts', 'tags']) {
          expect(await error('incr', 'page', { bucket: other })).toMatchObject({
            code: 'POLICY',
            hint: expect.stringContaining('"counter"'),
          });
        }
      });
    });

    describe('set', () => {
      const bucket = 'tags';

      test('sadd, srem, smembers', async () => {
        expect(await value('smembers', 's1', { bucket })).toEqual([]);
        expect(await ask('get', 's1', { bucket })).toMatchObject({ found: false });
        expect(await value('sadd', 's1', 'b', { bucket })).toEqual({ added: 1 });
        expect(await value('sadd', 's1', ['é', 'a', 'b', ''], { bucket })).toEqual({ added: 3 });
        expect(await ask('smembers', 's1', { bucket })).toEqual({ ok: true, value: ['', 'a', 'b', 'é'] });
        expect(await value('srem', 's1', ['b', 'none'], { bucket })).toEqual({ removed: 1 });
        expect(await value('srem', 's1', '', { bucket })).toEqual({ removed: 1 });
        expect(await value('smembers', 's1', { bucket })).toEqual(['a', 'é']);
        expect(await ask('get', 's1', { bucket })).toEqual({ ok: true, value: ['a', 'é'], found: true });
        expect(await value('sadd', 's1', [], { bucket })).toEqual({ added: 0 });
      });

      test('members come in pages', async () => {
        const members = Array.from({ length: 1500 }, (_, i) => String(i).padStart(4, '0'));
        await value('sadd', 's2', members.slice(0, 1000), { bucket });
        await value('sadd', 's2', members.slice(1000), { bucket });
        const first = await ask('smembers', 's2', { bucket });
        expect(first).toEqual({ ok: true, value: members.slice(0, 1000), more: true, after: '0999' });
        const rest = await ask('smembers', 's2', { bucket, after: '0999', limit: 10_000 });
        expect(rest).toEqual({ ok: true, value: members.slice(1000) });
        expect(await value('get', 's2', { bucket })).toEqual(members);
        expect(await value('delete', 's2', { bucket })).toEqual({ found: true, ...written });
        expect(await value('smembers', 's2', { bucket })).toEqual([]);
        expect(await value('delete', 's2', { bucket })).toEqual({ found: false });
      });

      test('a page of many removed members ends early, perhaps without rows, and says where to go on', async () => {
        for (let i = 0; i < 5; i++) {
          const members = Array.from({ length: 1000 }, (_, k) => `${i}/${String(k).padStart(3, '0')}`);
          await value('sadd', 'r', members, { bucket });
        }
        expect(await value('delete', 'r', { bucket })).toMatchObject({ found: true });
        await value('sadd', 'r', 'z', { bucket });
        const first = await ask('smembers', 'r', { bucket });
        expect(first).toEqual({ ok: true, value: [], more: true, after: '3/999' });
        const rest = await ask('smembers', 'r', { bucket, after: first.after });
        expect(rest).toEqual({ ok: true, value: ['z'] });
        for (const event of ['keys', 'entries']) {
          const page = await ask(event, { bucket, prefix: 'r' });
          expect(page).toEqual({ ok: true, value: [], more: true, after: 'r\u00003/999' });
          const { after } = page;
          expect(await value(event, { bucket, prefix: 'r', after })).toMatchObject([
            event === 'keys' ? 'r' : { key: 'r', value: ['z'] },
          ]);
        }
        // What is one value comes whole, in however many turns.
        expect(await value('get', 'r', { bucket })).toEqual(['z']);
      });

      test('keys and entries show each set once, in pages too', async () => {
        for (const key of ['k/a', 'k/a\u0001', 'k/ab', 'k/b']) {
          await value('sadd', key, ['x', 'y'], { bucket });
        }
        await value('sadd', 'k/gone', 'x', { bucket });
        await value('srem', 'k/gone', 'x', { bucket });
        const keys = ['k/a', 'k/a\u0001', 'k/ab', 'k/b'];
        expect(await ask('keys', { bucket, prefix: 'k/' })).toEqual({ ok: true, value: keys });
        expect(await ask('keys', { bucket, prefix: 'k/', limit: 2 })).toEqual({
          ok: true,
          value: keys.slice(0, 2),
          more: true,
          after: keys[1],
        });
        const rows = keys.map((key) => ({ key, value: ['x', 'y'], ...written }));
        expect(await value('entries', { bucket, prefix: 'k/' })).toEqual(rows);
        for (const [i, after] of keys.entries()) {
          expect(await value('entries', { bucket, prefix: 'k/', after })).toEqual(rows.slice(i + 1));
          expect(await value('keys', { bucket, prefix: 'k/', after })).toEqual(keys.slice(i + 1));
        }
        expect(await value('keys', { bucket, prefix: 'k/a\u0000' })).toEqual([]);
        // Above a member: its set is listed if it has others above that one.
        expect(await value('keys', { bucket, prefix: 'k/', after: 'k/a\u0000x' })).toEqual(keys);
        expect(await value('keys', { bucket, prefix: 'k/', after: 'k/a\u0000y' })).toEqual(keys.slice(1));
      });

      test('watches tell which member came or went', async () => {
        const changes = await changesIn(bucket, 3, async () => {
          await value('sadd', 'w', ['x', 'y'], { bucket });
          await value('srem', 'w', 'x', { bucket });
        });
        expect(changes).toEqual([
          { key: 'w', member: 'x', added: true },
          { key: 'w', member: 'y', added: true },
          { key: 'w', member: 'x', added: false },
        ]);
      });

      test('no values, no U+0000 in keys, key and member together within the limit; no sets elsewhere', async () => {
        for (const [key, stored] of [
          ['s', 1],
          ['s', true],
          ['s\u0000m', true],
        ] as const) {
          expect(await error('set', key, stored, { bucket })).toMatchObject({ code: 'POLICY' });
          expect(await error('setMany', [[key, stored]], { bucket })).toMatchObject({ code: 'POLICY' });
        }
        expect(await error('sadd', 's\u0000m', 'x', { bucket })).toMatchObject({ code: 'KEY_INVALID' });
        expect(await ask('get', 's1\u0000a', { bucket })).toMatchObject({ found: false });
        expect(await value('smembers', 's1\u0000a', { bucket })).toEqual([]);
        expect(await value('delete', 's1\u0000a', { bucket })).toEqual({ found: false });
        expect(await value('sadd', 's\u0001', 'a\u0000b', { bucket })).toEqual({ added: 1 });
        expect(await value('smembers', 's\u0001', { bucket })).toEqual(['a\u0000b']);
        expect(await error('sadd', 'k'.repeat(1000), 'm'.repeat(30), { bucket })).toMatchObject({
          code: 'KEY_TOO_LONG',
        });
        expect(await error('sadd', 's', ['fine', '\ud800'], { bucket })).toMatchObject({
          code: 'KEY_INVALID',
        });
        expect(await value('smembers', 's', { bucket })).toEqual([]);
        for (const other of ['default', 'orders', 'carts', 'visits']) {
          for (const event of ['sadd', 'srem']) {
            expect(await error(event, 'k', 'm', { bucket: other })).toMatchObject({
              code: 'POLICY',
              hint: expect.stringContaining('"set"'),
            });
          }
          expect(await error('smembers', 'k', { bucket: other })).toMatchObject({ code: 'POLICY' });
        }
      });
    });

    describe('explain', () => {
      const explain = async (key: string, options = {}): Promise<Record<string, unknown>> =>
        (await value('explain', key, options)) as Record<string, unknown>;
      const self = { id: expect.stringMatching(/^[\w-]{21}$/), name: expect.any(String) };
      const mine = {
        ...written,
        time: expect.any(Number),
        origin: expect.stringMatching(/^[\w-]{21}$/),
        peer: self,
        came: { at: expect.any(Number), how: 'written' },
      };

      test('tells who wrote what stands, and what it replaced, the last first', async () => {
        for (let i = 0; i < 8; i++) await value('set', 'why', { i });
        expect(await explain('why')).toEqual({
          bucket: 'default',
          key: 'why',
          policy: 'lww',
          writes: [{ value: { i: 7 }, ...mine }],
          replaced: [6, 5, 4, 3, 2].map((i) => ({
            preview: `{"i":${i}}`,
            bytes: 7,
            replacedAt: expect.any(Number),
            ...mine,
          })),
          more: false,
        });
        await value('delete', 'why');
        expect(await explain('why')).toMatchObject({ writes: [{ deleted: true }] });
        expect(await explain('never')).toMatchObject({ writes: [], replaced: [] });
      });

      test('shows only the beginning of large values, whole characters of it', async () => {
        await value('set', 'large', 'é'.repeat(1000));
        await value('set', 'large', 1);
        const { replaced } = (await explain('large')) as { replaced: { preview: string; bytes: number }[] };
        expect(replaced[0]).toMatchObject({ preview: `"${'é'.repeat(99)}`, bytes: 2002 });
      });

      test('in words of each policy', async () => {
        await value('incr', 'c', 5, { bucket: 'visits' });
        await value('incr', 'c', 2, { bucket: 'visits' });
        expect(await explain('c', { bucket: 'visits' })).toMatchObject({
          policy: 'counter',
          writes: [{ value: 7 }],
          replaced: [{ preview: '5' }],
        });
        await value('sadd', 't', ['x', 'y'], { bucket: 'tags' });
        await value('srem', 't', 'x', { bucket: 'tags' });
        expect(await explain('t', { bucket: 'tags', raw: true })).toMatchObject({
          writes: [
            { member: 'x', deleted: true },
            { member: 'y', value: 'true' },
          ],
          replaced: [{ member: 'x', preview: 'true' }],
        });
      });
    });

    test('compare answers whether all are in sync', async () => {
      expect(await value('compare')).toEqual({ inSync: true });
    });

    test('verify of a peer without links compares nothing, and knows nobody', async () => {
      expect(await value('verify')).toEqual([]);
      expect(await value('verify', { bucket: 'tags' })).toEqual([]);
      expect(await error('verify', { bucket: 'nowhere' })).toMatchObject({ code: 'BUCKET_UNKNOWN' });
      expect(await error('verify', { peer: 'localhost:9' })).toMatchObject({ code: 'NOT_FOUND' });
      expect(await error('verify', { peer: 'no url' })).toMatchObject({ code: 'ARGUMENT_INVALID' });
    });

    test('status names policy, tombstones and who holds them', async () => {
      const { buckets } = (await value('status')) as { buckets: Record<string, unknown> };
      expect(buckets['tags']).toMatchObject({ policy: 'set', tombstones: expect.any(Number) });
      expect(buckets['orders']).toMatchObject({ policy: 'fww', tombstones: 0, heldBy: [] });
    });

    test('removePeer with evict: NOT_FOUND for who is neither known nor a member', async () => {
      await value('addPeer', 'http://127.0.0.1:9');
      expect(await value('removePeer', 'http://127.0.0.1:9', { evict: true })).toBeNull();
      expect(await error('removePeer', 'http://127.0.0.1:11', { evict: true })).toMatchObject({
        code: 'NOT_FOUND',
      });
      expect(await error('removePeer', 'no url', { evict: true })).toMatchObject({
        code: 'ARGUMENT_INVALID',
      });
    });
  });
}
