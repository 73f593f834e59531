import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET, type OriginId, type PeerId } from '../../../src/base/ids.js';
import { parseConfig } from '../../../src/config/config.js';
import { Replica } from '../../../src/replica/replica.js';
import type { Durability } from '../../../src/config/config.js';
import { Loop } from '../../../src/runtime/loop.js';
import { MemoryStorage } from '../../../src/storage/memory.js';

/** A store whose disk takes as long as the test wants. */
class SlowDisk extends MemoryStorage {
  release = (): void => undefined;
  readonly #disk = new Promise<void>((resolve) => (this.release = resolve));

  override flushed(): Promise<void> {
    return this.#disk;
  }
}

function start(pendingWrites: number, durability: Durability = 'flushed'): { loop: Loop; disk: SlowDisk } {
  const { gossip, buckets, cluster } = parseConfig({ port: 0 });
  const disk = new SlowDisk({ peerId: nanoid<PeerId>(), origin: nanoid<OriginId>() });
  const settings = {
    ...gossip,
    name: 'a',
    version: '0',
    url: null,
    cluster,
    buckets,
    peers: [],
    links: 1,
    addresses: 1,
    deltaChunkBytes: 1024,
    durable: true,
  };
  const ignore = (): void => undefined;
  const loop = new Loop(new Replica(settings, disk.initial, disk, [1, 2, 3, 4]), disk, {
    durability,
    pendingWrites,
    wallClock: Date.now,
    onChange: ignore,
    onNote: ignore,
    onFailure: (error) => {
      throw error;
    },
  });
  return { loop, disk };
}

const ops = (key: string, bytes: number) => [{ key, value: new Uint8Array(bytes).fill(0x31) }];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('writes that wait for the disk', () => {
  test('count until they are on it: more are OVERLOADED', async () => {
    const { loop, disk } = start(3);
    const first = [1, 2, 3].map((i) => loop.write(DEFAULT_BUCKET, ops(`k${i}`, 1)));
    // The replica has long answered; only the disk has not.
    for (let i = 0; i < 5; i++) await turn();
    await expect(loop.write(DEFAULT_BUCKET, ops('k4', 1))).rejects.toMatchObject({
      code: 'OVERLOADED',
      message: expect.stringContaining('3 writes'),
    });
    disk.release();
    await Promise.all(first);
    await loop.write(DEFAULT_BUCKET, ops('k5', 1));
  });

  test('are bounded in bytes as well; one that is larger than the bound goes alone', async () => {
    const { loop, disk } = start(1000);
    const large = loop.write(DEFAULT_BUCKET, ops('large', 70 * 2 ** 20));
    await turn();
    await expect(loop.write(DEFAULT_BUCKET, ops('small', 1))).rejects.toMatchObject({
      code: 'OVERLOADED',
      message: expect.stringContaining('bytes'),
    });
    disk.release();
    await large;
    await loop.write(DEFAULT_BUCKET, ops('small', 1));
  });
});
