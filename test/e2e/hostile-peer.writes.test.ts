import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { BucketName, OriginId } from '../../src/base/ids.js';
import { VersionVector } from '../../src/data/version-vector.js';
import { MAX_CONTEXT_INTERVALS } from '../../src/protocol/limits.js';
import { eventually } from '../tools/eventually.js';
import { BUCKET, HIGHEST, HostileScene, op, push, vector } from '../tools/hostile-scene.js';
import type { PeerProcess } from '../tools/peer-process.js';
import { RawPeer } from '../tools/raw-peer.js';
import type { Ack } from '../tools/socket-client.js';

const CARTS = 'carts' as BucketName;
const SUMS = 'sums' as BucketName;
const TAGS = 'tags' as BucketName;
const HOUR = 3_600_000;
/** Intervals that pushes with gaps may leave behind, with some of all the others. */
const GAPS = 5000;

describe('a hostile peer that writes', () => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await HostileScene.open();
  });
  afterAll(() => scene.cluster.stop());
  beforeEach(() => scene.begin());
  /** A dot with two contents is told as the error that it is, and so is what followed from it. */
  afterEach(() => scene.end(['dot-used-twice', 'divergence']));

  const siblingsOf = async (key: string): Promise<unknown> =>
    scene.victim.value('get', key, { bucket: CARTS, siblings: true });

  test('contexts that contain their own dot, or dots that nobody knows: nothing else goes', async () => {
    const stranger = nanoid<OriginId>();
    const own = vector([stranger, 1, HIGHEST]);
    const unknown = vector([stranger, 1, 2], [nanoid<OriginId>(), 1, HIGHEST]);
    const ops = [
      op(stranger, 1, 'cart', { json: '"own"', context: own }),
      op(stranger, 2, 'cart', { json: '"own too"', context: own, counter: 1 }),
      op(stranger, 3, 'elsewhere', { json: '"unknown"', context: unknown, counter: 2 }),
    ];
    scene.raw.send(push(ops, { bucket: CARTS }));
    await eventually(
      'it has come',
      async () => JSON.stringify(await siblingsOf('elsewhere')) === '["unknown"]',
    );
    expect(await siblingsOf('cart')).toEqual(expect.arrayContaining([['whole']]));
    await scene.agreed();
    // So that the next test finds the cart as it was.
    const { context } = await scene.victim.call('get', 'cart', { bucket: CARTS, siblings: true });
    await scene.victim.value('set', 'cart', ['whole'], { bucket: CARTS, context });
  });

  test('deletes of 1970 and of the far future, with contexts that cover everything: what stands stays', async () => {
    for (const ms of [0, Date.now() + HOUR]) {
      const context = vector([scene.origin, 1, HIGHEST]);
      for (const bucket of [BUCKET, CARTS, SUMS, TAGS])
        for (const key of ['before', 'cart'])
          scene.raw.send(push([op(nanoid<OriginId>(), 1, key, { json: null, ms, context })], { bucket }));
    }
    await scene.read();
    expect(await siblingsOf('cart')).toEqual([['whole']]);
    expect(await scene.victim.get('before')).toBe('whole');
  });

  test('contexts as large as they may be, of as many writes as fit: others are served', async () => {
    const stranger = nanoid<OriginId>();
    const context = new VersionVector([
      [stranger, Array.from({ length: 8000 }, (_, i) => 3 * i + 100_000 + (i % 2))],
    ]);
    await scene.flood(
      (i) => push([op(stranger, i + 1, `large ${i}`, { context, counter: i })], { bucket: CARTS }),
      300,
    );
    await scene.servesOthers();
    await eventually(
      'all has come',
      async () => (await scene.victim.value('get', 'large 299', { bucket: CARTS })) === 1,
      {
        withinMs: 20_000,
      },
    );
    await scene.agreed();
  });

  test('a context with more history than anybody may write: the key is read, written and deleted from all the same', async () => {
    const bucket = CARTS;
    const stranger = nanoid<OriginId>();
    const context = new VersionVector([
      [stranger, Array.from({ length: 2 * MAX_CONTEXT_INTERVALS }, (_, i) => 3 * i + 1 - (i % 2))],
    ]);
    await scene.victim.value('set', 'basket', 'bread', { bucket });
    scene.raw.send(push([op(nanoid<OriginId>(), 1, 'basket', { json: '"forged"', context })], { bucket }));
    const read = (peer: PeerProcess): Promise<Ack> => peer.call('get', 'basket', { bucket, siblings: true });
    await eventually('it has come', async () => String((await read(scene.friend)).value).includes('forged'));
    const ack = await read(scene.victim);
    expect(ack).toMatchObject({ ok: true, value: expect.arrayContaining(['bread', 'forged']) });
    await scene.victim.value('set', 'basket', 'milk', { bucket, context: ack.context });
    expect((await read(scene.victim)).value).toEqual(expect.not.arrayContaining(['bread']));
    await scene.victim.value('set', 'basket', 'eggs', { bucket });
    expect(new Set((await read(scene.victim)).value as string[])).toEqual(new Set(['forged', 'eggs']));
    expect(await scene.victim.call('delete', 'basket', { bucket })).toMatchObject({
      error: { code: 'POLICY' },
    });
    await scene.agreed();
  });

  test('totals that are none, or beyond counting: the sum stays a number, the same everywhere', async () => {
    await scene.victim.value('incr', 'sum', 5, { bucket: SUMS });
    const totals = [
      '"text"',
      '[1]',
      '[1e308,0]',
      `[${HIGHEST},0]`,
      `[-${HIGHEST},0]`,
      '[7,0,[["x",1,1]]]',
      '{"total":1}',
    ];
    for (const json of totals)
      scene.raw.send(push([op(nanoid<OriginId>(), 1, 'sum', { json })], { bucket: SUMS }));
    await scene.read();
    expect(await scene.victim.value('get', 'sum', { bucket: SUMS })).toBe(5);
    await scene.agreed();
  });

  test('members and keys of sets that no peer of ours writes: they can be read', async () => {
    const stranger = nanoid<OriginId>();
    const keys = ['no separator', '\u0000', 'key\u0000', '\u0000member', 'a\u0000b\u0000c'];
    scene.raw.send(
      push(
        keys.map((key, i) => op(stranger, i + 1, key, { counter: i })),
        { bucket: TAGS },
      ),
    );
    await eventually('it has come', async () => {
      const page = (await scene.friend.value('entries', { bucket: TAGS })) as { key: string }[];
      return page.some(({ key }) => key === 'a');
    });
    expect(await scene.victim.value('smembers', 'a', { bucket: TAGS })).toEqual(['b\u0000c']);
  });

  test('one dot with two contents, to two peers: both end up with the same one', async () => {
    const other = await RawPeer.join(scene.friend.url);
    const stranger = nanoid<OriginId>();
    const ms = Date.now();
    const keys = Array.from({ length: 20 }, (_, i) => `twin ${i}`);
    for (const bucket of [BUCKET, CARTS]) {
      const twins = (json: string): ReturnType<typeof push> =>
        push(
          keys.map((key, i) => op(stranger, i + 1, key, { json, ms, counter: i })),
          { bucket },
        );
      other.send(twins('"one"'));
      scene.raw.send(twins('"two"'));
    }
    await Promise.all([scene.read(), scene.read(other)]);
    await scene.agreed();
    for (const key of keys) expect(await scene.friend.get(key)).toBe(await scene.victim.get(key));
    other.destroy();
  });

  test('dots of the victim and of its friend with other contents: they are known, and stay as they are', async () => {
    const { dot } = await scene.friend.set('of a friend', 'true');
    await eventually('it is known', async () => (await scene.victim.get('of a friend')) === 'true');
    const [friend = '', seq] = dot.split('.');
    scene.raw.send(push([op(friend as OriginId, Number(seq), 'of a friend', { json: '"forged"' })]));
    scene.raw.send(push([op(scene.origin, 1, 'before', { json: '"forged"' })]));
    await scene.read();
    expect(await scene.victim.get('of a friend')).toBe('true');
  });

  test('claims again and again to know what the victim will write: its link ends', async () => {
    for (let i = 0; i < 50 && !scene.raw.closed; i++) {
      const { dot } = await scene.victim.set('mine', i);
      const covered = vector([dot.slice(0, 21) as OriginId, 1, HIGHEST]);
      scene.raw.send({ type: 'vectors', reply: false, buckets: [[BUCKET, covered]] });
      await scene.read();
    }
    await scene.endsForAbuse(/repeated abuse: writes of our origin that we never made/);
  });

  test('claims to cover everything and gives nothing: it is asked seldom, and others are heard', async () => {
    const stranger = nanoid<OriginId>();
    let asked = 0;
    const from = performance.now();
    while (performance.now() - from < 1000) {
      scene.raw.send({ type: 'vectors', reply: false, buckets: [[BUCKET, vector([stranger, 1, HIGHEST])]] });
      await scene.read();
      for (const message of scene.raw.heard.splice(0)) {
        if (message.type !== 'deltaRequest') continue;
        asked++;
        const { request } = message;
        scene.raw.send({ type: 'cancel', request, reason: 'nothing for you' });
      }
    }
    expect(asked).toBeGreaterThan(0);
    await scene.friend.set('heard', from);
    await eventually('the victim hears it', async () => (await scene.victim.get('heard')) === from);
  });

  test('every other seq only, for ever: the gaps that are kept have a bound', async () => {
    const stranger = nanoid<OriginId>();
    for (const times of [1, 2]) {
      await scene.flood((i) => {
        const seq = 2 * (i + 5000 * (times - 1)) + 2;
        return push([op(stranger, seq, 'gaps', { ms: 1, counter: seq })]);
      }, 5000);
    }
    await scene.read();
    const intervals = (await scene.victim.status()).buckets['default']?.vector[stranger] ?? '';
    expect(intervals.split(',').length).toBeGreaterThan(100);
    expect(intervals.split(',').length).toBeLessThan(GAPS);
  });
});
