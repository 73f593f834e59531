import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { OriginId, PeerId } from '../../src/base/ids.js';
import { type Stamp, stampAt } from '../../src/data/stamp.js';
import type { VersionVector } from '../../src/data/version-vector.js';
import type { MemberRecord } from '../../src/protocol/members.js';
import type { Message } from '../../src/protocol/messages.js';
import { eventually } from '../tools/eventually.js';
import { BUCKET, HIGHEST, HostileScene, vector } from '../tools/hostile-scene.js';

const HOUR = 3_600_000;
const NEVER = 0n as Stamp;
/** What a flood may leave in the victim's memory, garbage not counted: a small part of what was sent, or asked for. */
const KEPT_BYTES = 16 * 2 ** 20;
const PATIENCE_MS = 15_000;

function record(changes: Partial<MemberRecord> = {}): MemberRecord {
  return {
    peer: nanoid<PeerId>(),
    name: 'made-up',
    url: null,
    number: stampAt(Date.now()),
    origins: [nanoid<OriginId>()],
    vectors: [[BUCKET, vector([nanoid<OriginId>(), 1, HIGHEST])]],
    evictedUpTo: NEVER,
    downUpTo: NEVER,
    ...changes,
  };
}

describe('a hostile peer that speaks of members', () => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await HostileScene.open();
  });
  afterAll(() => scene.cluster.stop());
  beforeEach(() => scene.begin());
  afterEach(() => scene.end());

  /** The number of members that the victim tells us of. */
  async function known(): Promise<Map<PeerId, MemberRecord>> {
    scene.raw.heard.length = 0;
    scene.raw.send({ type: 'roster', full: true, members: [] });
    await scene.raw.hears('members');
    await scene.read();
    const records = scene.raw.heard.flatMap((message) => (message.type === 'members' ? message.records : []));
    return new Map(records.map((one) => [one.peer, one]));
  }

  test('from the far future, or evicted there: they are left aside, and the log says so', async () => {
    const [future, early] = [
      record({ number: stampAt(Date.now() + HOUR) }),
      record({ number: stampAt(1), evictedUpTo: stampAt(Date.now() + HOUR) }),
    ];
    scene.raw.send({ type: 'members', records: [future, early] });
    await eventually('the log says so', () => scene.news.includes('is from the future'));
    const members = await known();
    expect(members.has(future.peer)).toBe(false);
    expect(members.has(early.peer)).toBe(false);
  });

  test('with the victim among them, as it never was: it goes on, and says something else at once', async () => {
    const { victim } = scene;
    const forged = record({
      peer: victim.id as PeerId,
      number: stampAt(Date.now() + 1000),
      evictedUpTo: stampAt(Date.now() + 1000),
    });
    scene.raw.send({ type: 'members', records: [forged] });
    await eventually('it announces itself anew', async () => {
      const own = (await known()).get(victim.id as PeerId);
      return own?.name === 'victim' && own.number > forged.number;
    });
    expect(await scene.servesOthers()).toBeLessThan(PATIENCE_MS);
  });

  test('who cover everything: no tombstone goes before the true members have it', async () => {
    const { victim, friend } = scene;
    const everything = (origins: readonly OriginId[]): VersionVector =>
      vector(...origins.map((origin) => [origin, 1, HIGHEST] as [OriginId, number, number]));
    const records = [record({ vectors: [[BUCKET, everything([scene.origin])]] })];
    scene.raw.send({ type: 'members', records });
    await scene.read();
    await victim.set('deleted', 1);
    await eventually('the friend has it', async () => (await friend.get('deleted')) === 1);
    await victim.value('delete', 'deleted');
    await eventually(
      'it is gone there too',
      async () => (await friend.call('get', 'deleted')).found === false,
    );
    expect(await victim.call('get', 'deleted')).toMatchObject({ found: false });
  });

  const madeUp = (): Message => ({ type: 'members', records: Array.from({ length: 500 }, () => record()) });

  test('without end: the number that is kept has a bound, and others are served', async () => {
    const before = await scene.keptMemory();
    const flood = scene.flood(madeUp, 60);
    expect(await scene.servesOthers()).toBeLessThan(PATIENCE_MS);
    await flood;
    await eventually('the log says so', () => scene.news.includes('finds no room'));
    const members = await known();
    expect(members.size).toBeLessThanOrEqual(1024);
    expect(members.has(scene.victim.id as PeerId)).toBe(true);
    expect(members.has(scene.friend.id as PeerId)).toBe(true);
    expect((await scene.keptMemory()) - before).toBeLessThan(KEPT_BYTES);
  });

  test('and asks for all of them without end: others are served, and it gets no more than it reads', async () => {
    await scene.flood(madeUp, 3);
    await scene.read();
    const before = await scene.keptMemory();
    scene.raw.stopReading();
    const flood = scene.flood((): Message => ({ type: 'roster', full: true, members: [] }), 3000);
    expect(await scene.servesOthers()).toBeLessThan(PATIENCE_MS);
    await flood;
    expect((await scene.keptMemory()) - before).toBeLessThan(KEPT_BYTES);
    scene.raw.readOn();
    await scene.read();
    // As many as may be under way unacknowledged, not as many as were asked for; so the link need not end either.
    expect(scene.raw.closed).toBe(false);
    const answers = scene.raw.heard.filter(({ type }) => type === 'members').length;
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThan(200);
  });
});
