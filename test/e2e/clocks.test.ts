import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Peer } from '../../src/index.js';
import { eventually } from '../tools/eventually.js';

const HOUR = 3_600_000;
const log = { level: 'fatal' } as const;

/** Real peers on real sockets and disks, each with a clock that a test can set wrong. */
describe('wrong clocks', () => {
  let folder: string;
  const peers: Peer[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rumeur-clocks-'));
  });
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(name: string, others: readonly Peer[], clock: () => number = Date.now): Promise<Peer> {
    const config = { name, port: 0, peers: others.map((peer) => peer.url), dataDir: join(folder, name), log };
    const peer = await Peer.open({ ...config, gossip: { antiEntropyMs: [50, 200], pingMs: 100 } }, { clock });
    peers.push(peer);
    return peer;
  }

  const connected = (peer: Peer, count: number): Promise<boolean> =>
    eventually(
      'connected',
      () => peer.getPeers().filter(({ state }) => state === 'connected').length === count,
    );

  const has = (peer: Peer, key: string, value: unknown): Promise<boolean> =>
    eventually(`${peer.name} has ${key} = ${String(value)}`, async () => (await peer.get(key)) === value);

  const converged = (): Promise<boolean> =>
    eventually(
      'all are equal',
      () => new Set(peers.map((peer) => peer.status().buckets['default']?.hash)).size === 1,
    );

  test.each([
    ['ahead', HOUR],
    ['behind', -HOUR],
  ])(
    'a peer one hour %s is told so and refuses writes; set right, it has everything and writes again',
    async (_name, skew) => {
      let offset = skew;
      const one = await open('one', []);
      const two = await open('two', [one]);
      const wrong = await open('wrong', [one, two], () => Date.now() + offset);
      await Promise.all([connected(one, 2), connected(two, 2), connected(wrong, 2)]);

      await expect(wrong.set('mine', 1)).rejects.toMatchObject({ code: 'CLOCK_DRIFT' });
      await one.set('theirs', 'from one');
      await has(two, 'theirs', 'from one');

      offset = 0;
      await eventually('writes are taken again', () =>
        wrong.set('mine', 2).then(
          () => true,
          () => false,
        ),
      );
      await has(one, 'mine', 2);
      await has(wrong, 'theirs', 'from one');
      await converged();
    },
  );

  test('what was written alone under a clock one hour ahead neither wins for ever nor is lost', async () => {
    let offset = HOUR;
    let shift = 0;
    const wrong = await open('wrong', [], () => Date.now() + offset + shift);
    await wrong.set('both', 'from the future');
    await wrong.set('only there', 'kept');

    const right = await open('right', [wrong], () => Date.now() + shift);
    await connected(right, 1);
    // Held back at the right one: neither applied nor covered, and its own write stands for now.
    await right.set('both', 'from now');
    await eventually('it is held back', () => right.status().heldUntil !== undefined);
    expect(await right.get('both')).toBe('from now');
    expect(await right.get('only there')).toBeUndefined();
    expect(await wrong.get('both')).toBe('from the future');

    // The clock is set right: other keys can be written at once, under a sound stamp that the other takes.
    offset = 0;
    const { dot: former } = await wrong.set('new', 'sound');
    await has(right, 'new', 'sound');
    await expect(wrong.set('both', 'again')).rejects.toMatchObject({ code: 'CLOCK_DRIFT' });
    expect(former).toBeDefined();

    // An hour later for both: what was held back arrives, and can be overwritten like anything else.
    shift = HOUR + 1000;
    await eventually('the held writes have come', async () => (await right.get('only there')) === 'kept', {
      withinMs: 25_000,
    });
    await converged();
    await right.set('both', 'the end');
    await has(wrong, 'both', 'the end');
    await converged();
  });

  test('one wrong neighbour does not stop the others', async () => {
    const one = await open('one', []);
    const two = await open('two', [one], () => Date.now() + HOUR);
    await connected(one, 1);
    await expect(one.set('k', 1)).resolves.toBeDefined();
    await two.close();
    peers.splice(peers.indexOf(two), 1);
  });
});
