import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { nanoid } from 'nanoid';
import type { OriginId } from '../../src/base/ids.js';
import { STAMP_ZERO } from '../../src/data/stamp.js';
import { VersionVector } from '../../src/data/version-vector.js';
import { MAX_BLOCKS, MAX_LISTED } from '../../src/protocol/limits.js';
import type { Compare, Differ, Message } from '../../src/protocol/messages.js';
import { eventually } from '../tools/eventually.js';
import { BUCKET, FAST_GOSSIP, HIGHEST, HostileScene, op, vector } from '../tools/hostile-scene.js';

/** What a flood may leave in the victim's memory, garbage not counted: a small part of what was sent. */
const KEPT_BYTES = 16 * 2 ** 20;
/** Others are served within this, while one peer does what it can, on a machine that has other work too, milliseconds. */
const PATIENCE_MS = 15_000;

const blocksOf = (origin: OriginId, count: number): Compare['blocks'] =>
  Array.from({ length: count }, (_, index) => ({ origin, level: 0, index, sum: randomBytes(8) }));

describe('a hostile peer that compares', () => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await HostileScene.open();
  });
  afterAll(() => scene.cluster.stop());
  beforeEach(() => scene.begin());
  afterEach(() => scene.end());

  /** What nobody else covers. */
  const covered = vector([nanoid<OriginId>(), 1, 9]);

  /** The victim asks us for a delta. */
  async function asked(): Promise<number> {
    scene.raw.send({ type: 'vectors', reply: false, buckets: [[BUCKET, covered]] });
    return (await scene.raw.hears('deltaRequest')).request;
  }

  /** The victim asks what differs, as we claim that it is below our floor. */
  async function compared(): Promise<Compare> {
    scene.raw.send({ type: 'below', request: await asked() });
    return scene.raw.hears('compare');
  }

  const differ = ({ request }: Compare, changes: Partial<Differ> = {}): Message => ({
    type: 'differ',
    request,
    n: 0,
    blocks: [],
    start: { vector: new VersionVector(), floor: new VersionVector() },
    ...changes,
  });

  test.each([
    ['below', (i: number): Message => ({ type: 'below', request: i })],
    ['differ', (i: number): Message => ({ type: 'differ', request: i, n: 0, blocks: [], start: null })],
    [
      'answer',
      (i: number): Message => ({ type: 'answer', request: i, n: 1, drop: [0], entries: [], answered: 1 }),
    ],
    [
      'chunk',
      (i: number): Message => ({
        type: 'chunk',
        request: i,
        n: 0,
        entries: [],
        claims: vector([nanoid<OriginId>(), 1, HIGHEST]),
        exact: false,
        last: true,
        heldUntil: 0,
        seenUpTo: STAMP_ZERO,
      }),
    ],
  ])('answers with %s again and again to what was never asked: its link ends', async (type, message) => {
    await scene.flood(message, 5000);
    await scene.endsForAbuse(new RegExp(`repeated abuse: ${type} that nobody asked for`));
  });

  test('says again and again that the victim is below its floor, and never what differs: others are served', async () => {
    const from = performance.now();
    let rounds = 0;
    await asked();
    while (performance.now() - from < 1500 && !scene.raw.closed) {
      for (const message of scene.raw.heard.splice(0)) {
        if (message.type === 'deltaRequest') {
          scene.raw.send({ type: 'below', request: message.request });
        } else if (message.type === 'compare') {
          rounds++;
          scene.raw.send({ type: 'cancel', request: message.request, reason: 'no' });
        }
      }
      await scene.read();
      scene.raw.send({ type: 'vectors', reply: false, buckets: [[BUCKET, covered]] });
    }
    expect(rounds).toBeGreaterThan(0);
    expect(await scene.servesOthers()).toBeLessThan(PATIENCE_MS);
  });

  test('claims a floor above everything: what stands stays, and newcomers get all of it', async () => {
    const { victim, friend, cluster, origin } = scene;
    const everything = vector([origin, 1, HIGHEST], [nanoid<OriginId>(), 1, HIGHEST]);
    const compare = await compared();
    scene.raw.send(differ(compare, { start: { vector: everything, floor: everything } }));
    await scene.read();
    await victim.set('then', 'written');
    await friend.set('then too', 'written');
    await friend.value('delete', 'before 4');
    const late = await cluster.start('late', { port: 0, peers: [friend.url], gossip: FAST_GOSSIP });
    for (const key of ['then', 'then too'])
      await eventually(`it has ${key}`, async () => (await late.get(key)) === 'written');
    expect(await late.get('before')).toBe('whole');
    await late.kill('SIGTERM');
    await victim.set('before 4', { i: 4 });
  });

  test('tells of blocks that were not compared: its link ends', async () => {
    scene.raw.send(differ(await compared(), { blocks: [MAX_BLOCKS - 1] }));
    await scene.raw.ends();
    expect(await scene.raw.hears('goodbye')).toMatchObject({ reason: expect.stringMatching(/not compared/) });
  });

  test('answers a comparison as if it were a listing, or another question: its link ends', async () => {
    const { request } = await compared();
    scene.raw.send({ type: 'answer', request, n: 0, drop: [], entries: [], answered: 1 });
    await scene.raw.ends();
    expect(await scene.raw.hears('goodbye')).toMatchObject({
      reason: expect.stringMatching(/not the answer/),
    });
  });

  test('answers a listing with what was not listed: its link ends, and nothing is dropped', async () => {
    const compare = await compared();
    scene.raw.send(
      differ(compare, {
        blocks: [...compare.blocks.keys()],
        start: { vector: vector([scene.origin, 1, HIGHEST]), floor: new VersionVector() },
      }),
    );
    // Level by level, everything differs.
    let n = 0;
    const listing = await eventually('it lists what it has', () => {
      const last = scene.raw.heard.findLast(({ type }) => type === 'compare' || type === 'listing');
      if (last?.type === 'listing') return last;
      if (last?.type !== 'compare' || last.n === n) return undefined;
      n = last.n;
      scene.raw.send(differ(last, { n, blocks: [...last.blocks.keys()], start: null }));
      return undefined;
    });
    if (!listing) throw new Error('nothing was listed');
    const { request } = listing;
    const answered = listing.items.length;
    scene.raw.send({ type: 'answer', request, n: listing.n, drop: [answered], entries: [], answered });
    await scene.raw.ends();
    expect(await scene.raw.hears('goodbye')).toMatchObject({ reason: expect.stringMatching(/not listed/) });
  });

  test('compares and lists without end: others are served, and little is kept', async () => {
    const before = await scene.keptMemory();
    const compare: Message = {
      type: 'compare',
      request: 1,
      n: 1,
      bucket: BUCKET,
      blocks: blocksOf(scene.origin, MAX_BLOCKS),
    };
    const listed = Array.from({ length: MAX_LISTED }, (_, i) => ({
      ...op(scene.origin, i + 1, `before ${i}`),
      digest: randomBytes(8),
    }));
    const listing: Message = { type: 'listing', request: 2, n: 2, bucket: BUCKET, items: listed };
    const flood = scene.flood((i) => (i % 2 === 0 ? compare : listing), 200);
    expect(await scene.servesOthers()).toBeLessThan(PATIENCE_MS);
    await flood;
    await scene.read();
    expect((await scene.keptMemory()) - before).toBeLessThan(KEPT_BYTES);
  });

  test('asks with huge vectors: others are served, and little is kept', async () => {
    const before = await scene.keptMemory();
    const huge = new VersionVector([
      [nanoid<OriginId>(), Array.from({ length: 400_000 }, (_, i) => 3 * i + 1 + (i % 2))],
    ]);
    const request = (i: number): Message => ({
      type: 'deltaRequest',
      request: i,
      bucket: BUCKET,
      vector: huge,
      floor: new VersionVector(),
      horizon: HIGHEST,
      credit: HIGHEST,
    });
    const flood = scene.flood(request, 20);
    expect(await scene.servesOthers()).toBeLessThan(PATIENCE_MS);
    await flood;
    await scene.read();
    expect((await scene.keptMemory()) - before).toBeLessThan(KEPT_BYTES);
  });
});
