/* Opens stores that may bring a process down, reads all that is in them, and tells it to whoever has forked us. */
import { Buffer } from 'node:buffer';
import { RumeurError } from '../../../src/base/errors.js';
import { isSound } from '../../../src/data/entry.js';
import type { Storage } from '../../../src/storage/storage.js';
import type { ReadOrder, StoreReading, StoredRow } from './store-reader.js';
import { checkStore, openStore } from './store.js';

process.on('message', (order: ReadOrder) => {
  void readingOf(order).then((reading) => process.send?.(reading));
});

async function readingOf({ storage, directory, isChecked }: ReadOrder): Promise<StoreReading> {
  try {
    if (isChecked === 'only') return { problems: await faultsOf(directory) };
    const store = await openStore(storage, directory);
    let reading: StoreReading;
    try {
      reading = contentOf(store);
    } finally {
      await store.close();
    }
    if (!isChecked) return reading;
    return { ...reading, problems: [...(reading.problems ?? []), ...(await faultsOf(directory))] };
  } catch (error) {
    const code = error instanceof RumeurError ? error.code : 'INTERNAL';
    return { refused: { code, message: String(error) } };
  }
}

function contentOf(store: Storage): StoreReading {
  const rows: StoredRow[] = [];
  const problems: string[] = [];
  for (const bucket of store.initial.buckets.keys()) {
    for (const cell of store.cells(bucket, {})) {
      for (const entry of cell) {
        const { key, origin, seq, value } = entry;
        if (!isSound(entry)) problems.push(`${bucket} ${key}: not what was written`);
        const text = value === null ? null : Buffer.from(value).toString('utf8');
        rows.push({ bucket, key, dot: `${origin}.${seq}`, text });
      }
    }
  }
  const vectors = [...store.initial.buckets].map(
    ([bucket, { vector }]) => [bucket, vector.map(([origin, set]) => [origin, [...set]] as const)] as const,
  );
  return { provenance: store.provenance, rows, vectors: Object.fromEntries(vectors), problems };
}

async function faultsOf(directory: string): Promise<string[]> {
  const { buckets } = await checkStore(directory);
  return Object.entries(buckets).flatMap(([bucket, { problems }]) =>
    problems.map(({ kind, key }) => `${bucket} ${key ?? ''}: ${kind}`),
  );
}
