import { Buffer } from 'node:buffer';
import { nanoid } from 'nanoid';
import { DEFAULT_BUCKET, type OriginId } from '../../src/base/ids.js';
import { Random } from '../../src/base/random.js';
import { sealEntry } from '../../src/data/entry.js';
import type { Stamp } from '../../src/data/stamp.js';
import type { Put } from '../../src/replica/batch.js';
import { openStore } from '../../src/storage/open-store.js';
import type { Storage } from '../../src/storage/storage.js';
import { keyOf, valueOf } from '../data.js';
import { median, quantile } from '../stats.js';
import type { Figures, Measured } from './figures.js';

const BATCH = 100;
const DURABLE = 200;
const READS = 20_000;
const SHORT_SCANS = 1_000;
const SHORT = 16;
const AGAIN = 3;

/** Writes as a replica does: a turn is a batch, and each write changes cells, indexes, sums, totals and the vector. */
class Writer {
  readonly #storage: Storage;
  #seq = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  commit(keys: readonly string[]): void {
    const { origin } = this.#storage.initial;
    const puts = keys.map((key) => this.#put(key, origin));
    const totals = { keys: this.#seq, tombstones: 0, droppedUpTo: 0n as Stamp, hash: Buffer.alloc(16, 1) };
    this.#storage.commit({
      puts,
      vectors: [{ bucket: DEFAULT_BUCKET, origin, intervals: [1, this.#seq] }],
      totals: [{ bucket: DEFAULT_BUCKET, ...totals }],
      floors: [],
      damages: [],
      members: [],
      clock: BigInt(this.#seq) as Stamp,
    });
  }

  #put(key: string, origin: OriginId): Put {
    const seq = ++this.#seq;
    const value = Buffer.from(JSON.stringify(valueOf(seq)));
    const entry = sealEntry({ key, origin, seq, stamp: BigInt(seq) as Stamp, value });
    return { bucket: DEFAULT_BUCKET, key, before: this.#storage.get(DEFAULT_BUCKET, key), after: [entry] };
  }
}

/** The store below a peer, without one. */
export async function measureStore({ engine, directory, keys }: Measured): Promise<Figures> {
  const open = (): Promise<Storage> => openStore(engine, { directory, newId: nanoid, probe: false });
  let storage = await open();
  const writer = new Writer(storage);
  const write = await perSecond(keys, () => fill(storage, writer, keys));
  const latencies = await durable(storage, writer);
  const reads = await measureReads(storage, keys);
  const bytes = sizeOf(storage) / keys;
  for (let i = 0; i < AGAIN; i++) await fill(storage, writer, keys);
  const bytesAgain = sizeOf(storage) / keys;
  await storage.close();
  const begin = performance.now();
  storage = await open();
  const opened = performance.now() - begin;
  await storage.close();
  return {
    write,
    durable: median(latencies),
    durable99: quantile(latencies, 0.99),
    ...reads,
    bytes,
    bytesAgain,
    open: opened,
  };
}

const sizeOf = (storage: Storage): number => storage.sizes()?.fileBytes ?? 0;

/** Random order, as keys come: the worst case of a tree on disk. */
async function fill(storage: Storage, writer: Writer, keys: number): Promise<void> {
  const order = Array.from({ length: keys }, (_, i) => i);
  Random.fromNumber(keys).shuffle(order);
  for (let from = 0; from < keys; from += BATCH) {
    writer.commit(order.slice(from, from + BATCH).map((i) => keyOf('k', i)));
    if ((from / BATCH) % 20 === 19) await storage.flushed();
  }
  await storage.flushed();
}

async function durable(storage: Storage, writer: Writer): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < DURABLE; i++) {
    const begin = performance.now();
    writer.commit([keyOf('durable', i)]);
    await storage.flushed();
    latencies.push(performance.now() - begin);
  }
  return latencies;
}

async function measureReads(storage: Storage, keys: number): Promise<Figures> {
  const random = Random.fromNumber(1);
  const { origin } = storage.initial;
  const get = await perSecond(READS, () => {
    for (let i = 0; i < READS; i++)
      expectRows(storage.get(DEFAULT_BUCKET, keyOf('k', random.integer(0, keys - 1))).length, 1);
  });
  const shortScan = await perSecond(SHORT_SCANS, () => {
    for (let i = 0; i < SHORT_SCANS; i++) {
      const lo = random.integer(1, keys - SHORT);
      expectRows([...storage.dots(DEFAULT_BUCKET, origin, lo, lo + SHORT - 1, 'rising')].length, SHORT);
    }
  });
  const all = keys + DURABLE;
  const fullScan = await perSecond(all, () => expectRows([...storage.cells(DEFAULT_BUCKET, {})].length, all));
  return { get, shortScan, fullScan };
}

function expectRows(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${found} rows in the place of ${expected}`);
}

async function perSecond(count: number, work: () => unknown): Promise<number> {
  const begin = performance.now();
  await work();
  return (1000 * count) / (performance.now() - begin);
}
