import { afterEach, describe, expect, test } from '@jest/globals';
import { keyOf, valueOf } from '../../../bench/data.js';
import { PlainPeer } from '../../../bench/peers/plain.js';
import { eventually } from '../../tools/eventually.js';

describe('the plain peer, the yardstick', () => {
  const peers: PlainPeer[] = [];
  const open = async (others: readonly PlainPeer[]): Promise<PlainPeer> => {
    const peer = await PlainPeer.open(others.map(({ url }) => url));
    peers.push(peer);
    return peer;
  };
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
  });

  test('a set reaches everybody over a ring, and each tells of it', async () => {
    const one = await open([]);
    const two = await open([one]);
    const three = await open([one, two]);
    await eventually('all are connected', () => peers.every((peer) => peer.links() === 2));
    const told: string[] = [];
    for (const [index, peer] of peers.entries()) peer.watch('k', ({ name }) => told.push(`${index} ${name}`));
    for (let i = 0; i < 20; i++) one.set(keyOf('k', i), valueOf(i));
    await eventually('all hold all', () => peers.every((peer) => peer.keys() === 20));
    expect(await three.get(keyOf('k', 7))).toEqual(valueOf(7));
    three.set(keyOf('k', 20), valueOf(20));
    await eventually('the last has arrived', () => peers.every((peer) => peer.keys() === 21));
    // Perhaps twice: what it pulls when it connects may come after the event that brought the same.
    expect(new Set(told).size).toBe(63);
  });

  test('who connects pulls everything, also after a pause', async () => {
    const one = await open([]);
    one.load(Array.from({ length: 50 }, (_, i) => [keyOf('k', i), valueOf(i)]));
    const two = await open([one]);
    await eventually('the newcomer holds all', () => two.keys() === 50);
    two.disconnect();
    await eventually('they are apart', () => one.links() === 0);
    one.set(keyOf('k', 50), valueOf(50));
    two.reconnect();
    await eventually('it has what it missed', () => two.keys() === 51);
  });
});
