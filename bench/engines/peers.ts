import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Peer } from '../../src/index.js';
import { keyOf, valueOf } from '../data.js';
import type { Figures, Measured } from './figures.js';

const AT_A_TIME = 64;
const LOADED_AT_ONCE = 1_000;
const LOOK_MS = 5;

/** Two whole peers in this process. */
export async function measurePeers({ engine, directory, keys }: Measured): Promise<Figures> {
  const open = (name: string, peers: string[]): Promise<Peer> =>
    Peer.open({
      name,
      port: 0,
      peers,
      dataDir: join(directory, name),
      storage: engine,
      durability: 'flushed',
      log: { level: 'silent' },
    });
  const first = await open('first', []);
  try {
    const sets = await setAll(first, Math.ceil(keys / 4));
    for (let from = 0; from < keys; from += LOADED_AT_ONCE)
      await first.setMany(rows(from, Math.min(keys, from + LOADED_AT_ONCE)));
    const all = keysOf(first);
    const second = await open('second', [first.url]);
    try {
      const begin = performance.now();
      while (keysOf(second) < all) await wait(LOOK_MS);
      return { sets, joined: (1000 * all) / (performance.now() - begin) };
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}

async function setAll(peer: Peer, count: number): Promise<number> {
  let next = 0;
  const client = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await peer.set(keyOf('s', i), { ...valueOf(i) });
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: AT_A_TIME }, client));
  return (1000 * count) / (performance.now() - begin);
}

const rows = (from: number, to: number): [string, ReturnType<typeof plainValue>][] =>
  Array.from({ length: to - from }, (_, i) => [keyOf('k', from + i), plainValue(from + i)]);

const plainValue = (index: number) => ({ ...valueOf(index) });

const keysOf = (peer: Peer): number => peer.status().buckets['default']?.keys ?? 0;
