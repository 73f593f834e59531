import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { OriginId } from '../../src/base/ids.js';
import { STAMP_ZERO } from '../../src/data/stamp.js';
import { VersionVector } from '../../src/data/version-vector.js';
import { eventually } from '../tools/eventually.js';
import { BUCKET, FAST_GOSSIP, HIGHEST, HostileScene, vector } from '../tools/hostile-scene.js';

const PATIENCE_MS = 15_000;
/** Intervals that one answer brings; with five of these a vector no longer fits into one message. */
const MANY = 200_000;
const TIMES = 6;

/** A vector full of gaps, of an origin that nobody has heard of. */
const gaps = (count: number): VersionVector =>
  new VersionVector([[nanoid<OriginId>(), Array.from({ length: 2 * count }, (_, i) => 3 * i + 1 - (i % 2))]]);

describe('a hostile peer that covers what it likes', () => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await HostileScene.open();
  });
  afterAll(() => scene.cluster.stop());
  beforeEach(() => scene.begin());
  afterEach(() => scene.end());

  /** A newcomer gets all from the victim, which takes a request, a vector and a floor that fit into messages. */
  async function letsIn(name: string): Promise<void> {
    const late = await scene.cluster.start(name, { port: 0, peers: [scene.victim.url], gossip: FAST_GOSSIP });
    await eventually('the newcomer has it', async () => (await late.get('before')) === 'whole');
    await late.set('by the newcomer', name);
    await eventually('the victim has it', async () => (await scene.victim.get('by the newcomer')) === name);
    await late.kill('SIGTERM');
  }

  test('claims that leave countless gaps: the victim goes on, and lets others in', async () => {
    for (let i = 0; i < TIMES && !scene.raw.closed; i++) {
      scene.raw.heard.length = 0;
      scene.raw.send({
        type: 'vectors',
        reply: false,
        buckets: [[BUCKET, vector([nanoid<OriginId>(), 1, HIGHEST])]],
      });
      const { request } = await scene.raw.hears('deltaRequest');
      scene.raw.send({
        type: 'chunk',
        request,
        n: 0,
        entries: [],
        claims: gaps(MANY),
        exact: false,
        last: true,
        heldUntil: 0,
        seenUpTo: STAMP_ZERO,
      });
      await scene.read();
    }
    expect(await scene.servesOthers()).toBeLessThan(PATIENCE_MS);
    await letsIn('after claims');
  });

  test('floors full of countless gaps: the victim goes on, and lets others in', async () => {
    for (let i = 0; i < TIMES && !scene.raw.closed; i++) {
      scene.raw.heard.length = 0;
      scene.raw.send({
        type: 'vectors',
        reply: false,
        buckets: [[BUCKET, vector([nanoid<OriginId>(), 1, HIGHEST])]],
      });
      const delta = await scene.raw.hears('deltaRequest');
      scene.raw.send({ type: 'below', request: delta.request });
      const { request } = await scene.raw.hears('compare');
      const start = { vector: new VersionVector(), floor: gaps(MANY) };
      scene.raw.send({ type: 'differ', request, n: 0, blocks: [], start });
      await scene.read();
      scene.raw.send({ type: 'cancel', request: delta.request, reason: '' });
    }
    expect(await scene.servesOthers()).toBeLessThan(PATIENCE_MS);
    await letsIn('after floors');
  });
});
