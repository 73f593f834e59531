import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { RumeurError } from '../../../src/base/errors.js';
import { DEFAULT_BUCKET, type LinkId, type OriginId, type PeerId } from '../../../src/base/ids.js';
import { parseConfig } from '../../../src/config/config.js';
import { decodeMessage, encodeMessage } from '../../../src/protocol/codec.js';
import { Replica } from '../../../src/replica/replica.js';
import type { Durability } from '../../../src/config/config.js';
import { Loop } from '../../../src/runtime/loop.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { RawPeer } from '../../tools/raw-peer.js';

/** A store whose disk takes as long as the test wants. */
class SlowDisk extends MemoryStorage {
  release = (): void => undefined;
  fail: (error: RumeurError) => void = () => undefined;
  readonly #disk = new Promise<void>((resolve) => (this.release = resolve));

  override flushed(): Promise<void> {
    return this.#disk;
  }

  override committed(): Promise<void> {
    return this.#disk;
  }

  override onFailure(listener?: (error: RumeurError) => void): void {
    if (listener) this.fail = listener;
  }
}

const rethrow = (error: RumeurError): void => {
  throw error;
};

function start(pendingWrites: number, durability: Durability = 'flushed', onFailure = rethrow) {
  const { gossip, buckets, cluster } = parseConfig({ port: 0 });
  const disk = new SlowDisk({ peerId: nanoid<PeerId>(), origin: nanoid<OriginId>() });
  const settings = {
    ...gossip,
    pingMs: 10,
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
    onFailure,
  });
  return { loop, disk };
}

const ops = (key: string, bytes: number) => [{ key, value: new Uint8Array(bytes).fill(0x31) }];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what comes in without end puts off nothing that is due', async () => {
  const { loop } = start(1);
  const link = 1 as LinkId;
  const sent: string[] = [];
  const ignore = (): void => undefined;
  loop.start({
    send: (_, bytes) => void sent.push(decodeMessage(bytes).type),
    dial: ignore,
    close: ignore,
    stop: () => Promise.resolve(),
  });
  loop.enqueue({ kind: 'linkOpened', link, direction: 'in', remote: 'b' });
  loop.received({ link, bytes: encodeMessage(RawPeer.introduction()) });
  const credit = encodeMessage({ type: 'credit', request: 1, chunks: 1 });
  for (let i = 0; i < 200_000; i++) loop.received({ link, bytes: credit });
  loop.received({ link, bytes: encodeMessage({ type: 'ping', id: 1, clock: 0 }) });
  while (!sent.includes('pong')) await turn();
  await loop.leave();
  const pings = sent.slice(0, sent.indexOf('pong')).filter((type) => type === 'ping');
  expect(pings.length).toBeGreaterThan(2);
});

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

describe('a disk that fails', () => {
  const full = new RumeurError('DISK_FULL', 'no room left');

  test('is noticed at once where writes do not wait for it', async () => {
    const failures: RumeurError[] = [];
    const { loop, disk } = start(10, 'memory', (error) => void failures.push(error));
    await loop.write(DEFAULT_BUCKET, ops('a', 1));
    disk.fail(full);
    expect(failures).toEqual([full]);
    await expect(loop.write(DEFAULT_BUCKET, ops('b', 1))).rejects.toBe(full);
  });

  test('rejects in the same tick whoever waits for it, although the store settles nothing', async () => {
    const { loop, disk } = start(10, 'flushed', () => undefined);
    const answered = loop.write(DEFAULT_BUCKET, ops('a', 1));
    for (let i = 0; i < 3; i++) await turn();
    const queued = loop.write(DEFAULT_BUCKET, ops('b', 1));
    disk.fail(full);
    await expect(answered).rejects.toBe(full);
    await expect(queued).rejects.toBe(full);
  });
});

describe('writes that do not wait for the disk', () => {
  test('are held back when too much is on its way to it, and refused beyond', async () => {
    const { loop, disk } = start(20, 'memory');
    const written: number[] = [];
    const writes = Array.from({ length: 20 }, async (_, i) => {
      await loop.write(DEFAULT_BUCKET, ops(`k${i}`, 2 ** 20));
      written.push(i);
    });
    for (let i = 0; i < 60; i++) await turn();
    // Eight MiB: the eighth passes the bound.
    expect(written.length).toBe(8);
    for (let i = 0; i < 8; i++) writes.push(loop.write(DEFAULT_BUCKET, ops('more', 1)).then(() => undefined));
    await expect(loop.write(DEFAULT_BUCKET, ops('one too many', 1))).rejects.toMatchObject({
      code: 'OVERLOADED',
    });
    disk.release();
    await Promise.all(writes);
  });
});
