import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET, type OriginId, type PeerId } from '../../../src/base/ids.js';
import { Fingerprint } from '../../../src/data/fingerprint.js';
import type { Batch } from '../../../src/replica/batch.js';
import { Backlog } from '../../../src/runtime/backlog.js';
import { MemoryStorage } from '../../../src/storage/memory.js';

/** A store in which batches settle one by one, when the test says so. */
class Held extends MemoryStorage {
  readonly #waiting: (() => void)[] = [];

  constructor() {
    super({ peerId: nanoid<PeerId>(), origin: nanoid<OriginId>() });
  }

  override committed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async settle(): Promise<void> {
    this.#waiting.shift()?.();
    await Promise.resolve();
  }
}

const batchOf = (puts: number, valueBytes: number): Batch => ({
  puts: Array.from({ length: puts }, (_, i) => {
    const key = `k${i}`;
    const entry = { key, origin: nanoid<OriginId>(), seq: i + 1, stamp: 1 as never };
    const value = new Uint8Array(valueBytes);
    return {
      bucket: DEFAULT_BUCKET,
      key,
      before: [],
      after: [{ ...entry, value, digest: Fingerprint.empty().toBytes() }],
    };
  }),
  vectors: [],
  floors: [],
  totals: [],
  damages: [],
  members: [],
});

function start() {
  const store = new Held();
  const events = { room: jest.fn(), slow: jest.fn() };
  return { store, events, backlog: new Backlog(store, events) };
}

afterEach(() => void jest.useRealTimers());

describe('the backlog of the store', () => {
  test('is full by bytes: nine values of a MiB, not eight thousand', async () => {
    const { store, events, backlog } = start();
    for (let i = 0; i < 7; i++) backlog.commit(batchOf(1, 2 ** 20));
    expect(backlog.isFull).toBe(false);
    for (let i = 0; i < 2; i++) backlog.commit(batchOf(1, 2 ** 20));
    expect(backlog.isFull).toBe(true);
    await store.settle();
    expect(events.room).not.toHaveBeenCalled();
    await store.settle();
    expect(backlog.isFull).toBe(false);
    expect(events.room).toHaveBeenCalledTimes(1);
    backlog.end();
  });

  test('is full by puts', () => {
    const { backlog } = start();
    backlog.commit(batchOf(4000, 1));
    expect(backlog.isFull).toBe(false);
    backlog.commit(batchOf(1, 1));
    expect(backlog.isFull).toBe(true);
    backlog.end();
  });

  test('tells once of a batch that has not settled after five seconds', async () => {
    jest.useFakeTimers();
    const { store, events, backlog } = start();
    backlog.commit(batchOf(1, 1));
    jest.advanceTimersByTime(3000);
    backlog.commit(batchOf(1, 1));
    await store.settle();
    // The second one is now the oldest.
    jest.advanceTimersByTime(4900);
    expect(events.slow).not.toHaveBeenCalled();
    jest.advanceTimersByTime(200);
    expect(events.slow).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(60_000);
    expect(events.slow).toHaveBeenCalledTimes(1);
    backlog.end();
  });

  test('ends with its timer', () => {
    jest.useFakeTimers();
    const { events, backlog } = start();
    backlog.commit(batchOf(1, 1));
    backlog.end();
    jest.advanceTimersByTime(60_000);
    expect(events.slow).not.toHaveBeenCalled();
  });
});
