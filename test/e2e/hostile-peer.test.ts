import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { nanoid } from 'nanoid';
import type { BucketName, OriginId, PeerId } from '../../src/base/ids.js';
import { type Stamp, STAMP_ZERO } from '../../src/data/stamp.js';
import { VersionVector } from '../../src/data/version-vector.js';
import { encodeMessage } from '../../src/protocol/codec.js';
import { packList } from '../../src/protocol/fields.js';
import type { MemberMark } from '../../src/protocol/members.js';
import type { Compare, Message } from '../../src/protocol/messages.js';
import { eventually } from '../tools/eventually.js';
import { BUCKET, FAST_GOSSIP, HIGHEST, HostileScene, op, push, vector } from '../tools/hostile-scene.js';
import type { Cluster, PeerProcess } from '../tools/peer-process.js';
import type { Ack } from '../tools/socket-client.js';
import { RawPeer } from '../tools/raw-peer.js';

const CARTS = 'carts' as BucketName;
const HOUR = 3_600_000;

const block = (origin: OriginId): Compare['blocks'][number] => ({
  origin,
  level: 2,
  index: 0,
  sum: randomBytes(8),
});

const mark = (): MemberMark => ({
  peer: nanoid<PeerId>(),
  number: 1n as Stamp,
  evictedUpTo: 0n as Stamp,
  downUpTo: 0n as Stamp,
});

const compare = (blocks: Compare['blocks']): Compare => ({
  type: 'compare',
  request: 1,
  n: 0,
  bucket: BUCKET,
  blocks,
});

describe('a hostile peer', () => {
  let scene: HostileScene;
  let cluster: Cluster;
  let victim: PeerProcess;
  let friend: PeerProcess;
  let origin: OriginId;
  let raw: RawPeer;
  const news = (): string => scene.news;

  beforeAll(async () => {
    scene = await HostileScene.open();
    ({ cluster, victim, friend } = scene);
  });
  afterAll(() => cluster.stop());

  beforeEach(async () => {
    await scene.begin();
    ({ origin, raw } = scene);
  });
  afterEach(async () => {
    raw.destroy();
    await scene.end(['the stored value is not JSON']);
  });

  const sound = (): Message[] => [
    push([op(nanoid<OriginId>(), 1, 'pushed'), op(nanoid<OriginId>(), 2, 'pushed too', { counter: 1 })]),
    {
      type: 'digest',
      round: 1,
      buckets: [{ bucket: BUCKET, vectorHash: randomBytes(16), stateHash: randomBytes(16) }],
      membersHash: randomBytes(16),
    },
    { type: 'vectors', reply: true, buckets: [[BUCKET, vector([nanoid<OriginId>(), 1, 3])]] },
    {
      type: 'deltaRequest',
      request: 1,
      bucket: BUCKET,
      vector: new VersionVector(),
      floor: new VersionVector(),
      horizon: Date.now(),
      credit: 8,
    },
    { type: 'credit', request: 1, chunks: HIGHEST },
    { type: 'cancel', request: 1, reason: 'no' },
    { type: 'ping', id: HIGHEST, clock: 0 },
    { type: 'pong', id: HIGHEST, clock: HIGHEST },
    { type: 'ack', bytes: HIGHEST },
    {
      type: 'peers',
      addresses: [{ url: 'http://127.0.0.1:9', id: nanoid<PeerId>(), name: 'red' }],
    },
    compare([block(nanoid<OriginId>())]),
    { type: 'differ', request: 1, n: 0, blocks: [], start: null },
    {
      type: 'listing',
      request: 1,
      n: 1,
      bucket: BUCKET,
      items: [{ ...op(nanoid<OriginId>(), 1, 'listed'), digest: randomBytes(8) }],
    },
    { type: 'answer', request: 1, n: 1, drop: [0], entries: [], answered: 1 },
    { type: 'below', request: 1 },
    { type: 'roster', full: false, members: [mark()] },
    {
      type: 'members',
      records: [
        {
          peer: nanoid<PeerId>(),
          name: 'forged',
          url: 'http://forged:1',
          number: 1n as Stamp,
          origins: [nanoid<OriginId>()],
          vectors: [[BUCKET, vector([nanoid<OriginId>(), 1, 3])]],
          evictedUpTo: 0n as Stamp,
          downUpTo: 0n as Stamp,
        },
      ],
    },
  ];

  const endings: [string, () => Uint8Array, RegExp][] = [
    ['random bytes', () => Buffer.concat([Buffer.from([0xc1]), randomBytes(200)]), /malformed/],
    ['an empty message', () => new Uint8Array(0), /truncated/],
    [
      'a name that steers terminals',
      () => {
        const addresses = [{ url: 'http://127.0.0.1:9', id: nanoid<PeerId>(), name: '\u001b[31mred' }];
        return encodeMessage({ type: 'peers', addresses });
      },
      /control characters/,
    ],
    ['a list of four billion', () => Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), /too long|truncated/],
    ['nesting without end', () => Buffer.alloc(100_000, 0x91), /nested too deep/],
    ['a message of no known type', () => packList([99, 1]), /unknown message type 99/],
    ['a message without its fields', () => packList([3, 1, 'default']), /a field is missing/],
    ['a second HELLO', () => encodeMessage(raw.hello()), /a second hello/],
    [
      'a block that does not exist',
      () => encodeMessage(compare([{ ...block(nanoid<OriginId>()), level: 3 }])),
      /a block that does not exist/,
    ],
    [
      'a block twice',
      () => encodeMessage(compare([block(origin), block(origin)])),
      /a block that is named twice/,
    ],
    [
      'an answer that names a dot twice',
      () => {
        const entry = op(origin, 1, 'k');
        const entries = [entry, entry];
        return encodeMessage({ type: 'answer', request: 1, n: 1, drop: [], entries, answered: 1 });
      },
      /a dot that is named twice/,
    ],
    [
      'a context of too many intervals',
      () => {
        const context = new VersionVector();
        for (let i = 0; i < 4097; i++) context.add(origin, 2 * i + 1, 2 * i + 1);
        return encodeMessage(push([op(nanoid<OriginId>(), 1, 'cart', { context })], { bucket: CARTS }));
      },
      /a context of too many intervals/,
    ],
    [
      'a member twice',
      () => {
        const twice = mark();
        return encodeMessage({ type: 'roster', full: true, members: [twice, twice] });
      },
      /a member that is named twice/,
    ],
    [
      'a push out of order',
      () =>
        encodeMessage(
          push([op(nanoid<OriginId>(), 5, 'a'), op(nanoid<OriginId>(), 4, 'b', { counter: 1 })], {
            lo: 4,
            hi: 5,
          }),
        ),
      /out of order/,
    ],
    [
      'a push whose stamps fall',
      () =>
        encodeMessage(
          push([op(nanoid<OriginId>(), 1, 'a', { counter: 1 }), op(nanoid<OriginId>(), 2, 'b', { ms: 5 })]),
        ),
      /out of order/,
    ],
    [
      'a push that ends before it begins',
      () => encodeMessage(push([op(nanoid<OriginId>(), 1, 'a')], { lo: 9, hi: 1 })),
      /ends before it begins/,
    ],
    ['an empty key', () => encodeMessage(push([op(nanoid<OriginId>(), 1, '')])), /not a key/],
    ['a key too long', () => encodeMessage(push([op(nanoid<OriginId>(), 1, 'k'.repeat(1025))])), /not a key/],
    [
      'a seq of zero',
      () => encodeMessage(push([op(nanoid<OriginId>(), 0, 'a')], { lo: 1, hi: 1 })),
      /seq of zero/,
    ],
  ];
  test.each(endings)('%s ends its link, with the reason', async (_name, bytes, reason) => {
    raw.sendBytes(bytes());
    await raw.ends();
    expect(await raw.hears('goodbye')).toMatchObject({
      code: 'PROTOCOL_MISMATCH',
      reason: expect.stringMatching(reason),
    });
    await eventually('the log says so', () => news().includes('malformed message'));
  });

  test('real messages, truncated and with a bit flipped, cost links at most', async () => {
    let links = 1;
    for (let round = 0; round < 150; round++) {
      for (const message of sound()) {
        const bytes = Buffer.from(encodeMessage(message));
        const at = Math.floor(Math.random() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(Math.random() * 8));
        raw.sendBytes(round % 3 === 0 ? bytes.subarray(0, at) : bytes);
      }
      if (round % 5 > 0) continue;
      raw.send({ type: 'ping', id: round, clock: Date.now() });
      await eventually(
        'it has been read',
        () => raw.closed || raw.heard.some((m) => m.type === 'pong' && m.id === round),
      );
      if (!raw.closed) continue;
      raw = await RawPeer.join(victim.url);
      links++;
    }
    expect(links).toBeGreaterThan(10);
  });

  test('messages before HELLO are not heeded', async () => {
    for (const message of [push([op(nanoid<OriginId>(), 1, 'too early')]), ...sound()]) {
      const early = await RawPeer.dial(victim.url);
      early.send(message);
      await early.ends();
      expect(await early.hears('goodbye')).toMatchObject({ reason: expect.stringContaining('before hello') });
    }
    expect(await victim.call('get', 'too early')).toMatchObject({ found: false });
  });

  test('what is never asked for is left aside', async () => {
    const stranger = nanoid<OriginId>();
    const entries = [op(stranger, 7, 'unasked')];
    raw.send({
      type: 'chunk',
      request: 7,
      n: 0,
      entries,
      claims: vector([stranger, 1, HIGHEST]),
      exact: false,
      last: true,
      heldUntil: 0,
      seenUpTo: STAMP_ZERO,
    });
    raw.send({ type: 'same', round: 99 });
    raw.send({ type: 'pong', id: 99, clock: 0 });
    raw.send({ type: 'credit', request: 99, chunks: 5 });
    raw.send({ type: 'cancel', request: 99, reason: 'never' });
    raw.send({ type: 'below', request: 99 });
    raw.send({ type: 'differ', request: 99, n: 0, blocks: [], start: null });
    raw.send({ type: 'answer', request: 99, n: 0, drop: [0], entries, answered: 1 });
    await scene.read();
    expect(await victim.call('get', 'unasked')).toMatchObject({ found: false });
    expect((await victim.status()).buckets['default']?.vector).not.toHaveProperty([stranger]);
    expect(raw.closed).toBe(false);
  });

  test('a chunk that was asked for comes in order or ends the link', async () => {
    const stranger = nanoid<OriginId>();
    raw.send({ type: 'vectors', reply: false, buckets: [[BUCKET, vector([stranger, 1, 9])]] });
    const { request } = await raw.hears('deltaRequest');
    raw.send({
      type: 'chunk',
      request,
      n: 3,
      entries: [op(stranger, 9, 'k')],
      claims: vector([stranger, 1, 9]),
      exact: false,
      last: false,
      heldUntil: 0,
      seenUpTo: STAMP_ZERO,
    });
    await raw.ends();
    expect(await victim.call('get', 'k')).toMatchObject({ found: false });
  });

  test('delta requests without end bring answers with an end', async () => {
    const from = performance.now();
    for (let request = 1; request <= 5000; request++) {
      raw.send({
        type: 'deltaRequest',
        request,
        bucket: BUCKET,
        vector: new VersionVector(),
        floor: new VersionVector(),
        horizon: HIGHEST,
        credit: HIGHEST,
      });
    }
    expect(await victim.set('meanwhile', 1)).toHaveProperty('dot');
    expect(performance.now() - from).toBeLessThan(10_000);
    await raw.hears('chunk');
  });

  test('seqs up to 2^53 - 1 and stamps from 1970 are taken as they are', async () => {
    const stranger = nanoid<OriginId>();
    raw.send(
      push([
        op(stranger, 1, 'before', { json: '"from 1970"', ms: 0 }),
        op(stranger, HIGHEST, 'last seq', { json: '"yes"' }),
      ]),
    );
    await eventually(
      'both have it',
      async () => (await victim.get('last seq')) === 'yes' && (await friend.get('last seq')) === 'yes',
    );
  });

  test('stamps from the far future are held back', async () => {
    for (const ms of [Date.now() + HOUR, 2 ** 48 - 1]) {
      const stranger = nanoid<OriginId>();
      raw.send(push([op(stranger, 1, 'before', { json: '"from the future"', ms, counter: 65_535 })]));
    }
    raw.send({ type: 'ping', id: 1, clock: Date.now() });
    await eventually('all was read', () => raw.heard.some((m) => m.type === 'pong' && m.id === 1));
    expect(await victim.get('before')).toBe('whole');
  });

  test('stamps at the very edge of what is let in stop no writes for longer than that edge', async () => {
    const stranger = nanoid<OriginId>();
    const answers: Promise<Ack>[] = [];
    for (let seq = 1; seq <= 300; seq++) {
      const at = { ms: Date.now() + 60_000 - 2 + (seq % 4), counter: 65_535 };
      raw.send(push([op(stranger, seq, 'edge', at)]));
      answers.push(victim.call('set', 'mine', seq));
      if (seq % 10 === 0) await Promise.all(answers);
    }
    const codes = (await Promise.all(answers)).map(({ ok, error }) => (ok ? 'ok' : error?.code));
    expect(codes).toContain('ok');
    expect(codes.filter((code) => code !== 'ok' && code !== 'CLOCK_DRIFT')).toEqual([]);
    await eventually('the edge has passed', async () => (await victim.call('set', 'mine', 'passed')).ok);
  });

  const claims: [string, () => void | Promise<void>][] = [
    ['a push', () => raw.send(push([op(origin, 500, 'forged')]))],
    ['a push at 2^53 - 1', () => raw.send(push([op(origin, HIGHEST, 'forged')]))],
    [
      'vectors',
      () => raw.send({ type: 'vectors', reply: false, buckets: [[BUCKET, vector([origin, 1, 500])]] }),
    ],
    [
      'a delta',
      async () => {
        const stranger = nanoid<OriginId>();
        raw.send({ type: 'vectors', reply: false, buckets: [[BUCKET, vector([stranger, 1, 1])]] });
        const { request } = await raw.hears('deltaRequest');
        const claimed = vector([stranger, 1, 1]);
        claimed.add(origin, 7, 500);
        raw.send({
          type: 'chunk',
          request,
          n: 0,
          entries: [op(stranger, 1, 'lure')],
          claims: claimed,
          exact: false,
          last: true,
          heldUntil: 0,
          seenUpTo: STAMP_ZERO,
        });
      },
    ],
  ];
  test.each(claims)(
    'a claim in %s of more than we wrote makes us change origin and write again',
    async (_name, claim) => {
      await claim();
      await eventually('the log says so', () => news().includes('writing under a new origin'));
      const { dot } = await victim.set('next', 1);
      expect(dot.slice(0, 21)).not.toBe(origin);
      const rows = (await victim.value('entries', { prefix: 'before' })) as { dot: string }[];
      expect(rows).toHaveLength(6);
      for (const row of rows) expect(row.dot.slice(0, 21)).toBe(dot.slice(0, 21));
    },
  );

  test('values that are no JSON are refused or readable as text, and stop nobody', async () => {
    raw.send(push([op(nanoid<OriginId>(), 1, 'no json', { json: '{"a":' })]));
    await eventually('it has been dealt with', async () => {
      const ack = await victim.call('get', 'no json');
      return raw.closed || ack.error?.code === 'INTERNAL';
    });
    await victim.value('delete', 'no json');
    await victim.value('keys');
  });

  test('after all that a newcomer gets everything, and the victim comes back with all it had', async () => {
    const late = await cluster.start('late', { port: 0, peers: [friend.url], gossip: FAST_GOSSIP });
    raw.destroy();
    const hash = await cluster.converged();
    expect(await late.get('last seq')).toBe('yes');
    expect(await late.get('before')).toBe('whole');
    await victim.kill('SIGTERM');
    await victim.start();
    expect((await victim.status()).buckets['default']?.hash).toBe(hash);
    expect(news()).not.toContain('not closed cleanly');
    await friend.value('addPeer', victim.url);
  });
});
