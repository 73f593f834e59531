import type { EngineName } from '../../src/storage/engines.js';

/** What is measured of an engine; `worth` says whether more or less of it is better. */
export const METRICS = {
  write: { title: 'keys written, in batches of 100, per second', worth: 'more' },
  durable: { title: 'one durable batch of one key, median, ms', worth: 'less' },
  durable99: { title: 'the same, 99th percentile, ms', worth: 'less' },
  get: { title: 'random keys read, per second', worth: 'more' },
  shortScan: { title: 'scans of 16 rows, per second', worth: 'more' },
  fullScan: { title: 'cells read in one scan, per second', worth: 'more' },
  bytes: { title: 'bytes on disk per key', worth: 'less' },
  bytesAgain: { title: 'the same after all were written three times more', worth: 'less' },
  open: { title: 'opening what was closed in order, ms', worth: 'less' },
  sets: { title: 'acknowledged sets of a peer, 64 at a time, per second', worth: 'more' },
  joined: { title: 'keys fetched by an empty peer, per second', worth: 'more' },
} as const satisfies Readonly<Record<string, { title: string; worth: 'more' | 'less' }>>;

export type Metric = keyof typeof METRICS;
export type Figures = Partial<Record<Metric, number>>;

export interface Measured {
  /** Where the data may be put; empty. */
  readonly directory: string;
  readonly engine: EngineName;
  readonly keys: number;
}
