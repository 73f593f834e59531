import { Buffer } from 'node:buffer';
import type { BucketName, OriginId } from '../../src/base/ids.js';
import { type Entry, sealEntry } from '../../src/data/entry.js';
import { Fingerprint } from '../../src/data/fingerprint.js';
import type { Stamp } from '../../src/data/stamp.js';
import type { Batch, Put, StoredState, Totals, VectorRow } from '../../src/replica/batch.js';
import type { DotRow, KeyRange } from '../../src/replica/view.js';

export interface Op {
  readonly bucket: BucketName;
  readonly origin: OriginId;
  readonly key: string;
  /** `null` deletes. */
  readonly value: Uint8Array | null;
}

interface BucketModel {
  readonly entries: Map<string, Entry>;
  readonly seqs: Map<OriginId, number>;
  readonly hash: Fingerprint;
}

/**
 * A plain model of what a store should hold: no index, no order, every answer worked out from the entries. It makes
 * the batches too, as a replica would.
 */
export class StoreModel {
  readonly #buckets = new Map<BucketName, BucketModel>();
  clock = 0n as Stamp;

  /** Takes the writes into the model and gives the batch that does the same to a store. */
  batch(ops: readonly Op[]): Batch {
    const puts: Put[] = [];
    for (const op of ops) puts.push(this.#put(op));
    const touched = new Set(ops.map((op) => op.bucket));
    return {
      puts,
      vectors: [...touched].flatMap((bucket) => this.#vectorRows(bucket)),
      totals: [...touched].map((bucket) => this.#totals(bucket)),
      clock: this.clock,
    };
  }

  #put({ bucket, origin, key, value }: Op): Put {
    const model = this.#bucket(bucket);
    const seq = (model.seqs.get(origin) ?? 0) + 1;
    this.clock = (this.clock + 1n) as Stamp;
    const entry = sealEntry({ key, origin, seq, stamp: this.clock, value });
    const former = model.entries.get(key);
    model.seqs.set(origin, seq);
    model.entries.set(key, entry);
    if (former !== undefined && former.value !== null) model.hash.remove(former.digest);
    if (value !== null) model.hash.add(entry.digest);
    return { bucket, entry, replaces: former && { origin: former.origin, seq: former.seq } };
  }

  get(bucket: BucketName, key: string): Entry | undefined {
    return this.#buckets.get(bucket)?.entries.get(key);
  }

  dots(bucket: BucketName, origin: OriginId, lo: number, hi: number): DotRow[] {
    return [...(this.#buckets.get(bucket)?.entries.values() ?? [])]
      .filter((entry) => entry.origin === origin && entry.seq >= lo && entry.seq <= hi)
      .sort((a, b) => b.seq - a.seq)
      .map(({ seq, stamp, key }) => ({ seq, stamp, key }));
  }

  entries(bucket: BucketName, { prefix = '', after = '' }: KeyRange): Entry[] {
    return [...(this.#buckets.get(bucket)?.entries.values() ?? [])]
      .filter(({ key }) => key.startsWith(prefix) && byBytes(key, after) > 0)
      .sort((a, b) => byBytes(a.key, b.key));
  }

  origins(bucket: BucketName): OriginId[] {
    return [...this.#bucket(bucket).seqs.keys()];
  }

  /** What a store with this state reports when it is opened, in a form that can be compared. */
  stored(): ComparableState {
    const buckets = [...this.#buckets.keys()].map((name) => {
      const { keys, hash } = this.#totals(name);
      const vector = this.#vectorRows(name).map(
        ({ origin, intervals }) => `${origin}:${intervals.join('-')}`,
      );
      return { name, keys, hash: Buffer.from(hash).toString('hex'), vector: vector.sort() };
    });
    return { clock: this.clock, buckets: buckets.sort((a, b) => byBytes(a.name, b.name)) };
  }

  #vectorRows(bucket: BucketName): VectorRow[] {
    return [...this.#bucket(bucket).seqs].map(([origin, seq]) => ({ bucket, origin, intervals: [1, seq] }));
  }

  #totals(bucket: BucketName): Totals {
    const { entries, hash } = this.#bucket(bucket);
    const keys = [...entries.values()].filter((entry) => entry.value !== null).length;
    return { bucket, keys, hash: hash.toBytes() };
  }

  #bucket(name: BucketName): BucketModel {
    let model = this.#buckets.get(name);
    if (model === undefined) {
      model = { entries: new Map(), seqs: new Map(), hash: Fingerprint.empty() };
      this.#buckets.set(name, model);
    }
    return model;
  }
}

export interface ComparableState {
  clock: Stamp;
  buckets: { name: BucketName; keys: number; hash: string; vector: string[] }[];
}

export function comparable({ clock, buckets }: StoredState): ComparableState {
  const rows = [...buckets].map(([name, { keys, hash, vector }]) => ({
    name,
    keys,
    hash: Buffer.from(hash).toString('hex'),
    vector: vector.map(([origin, intervals]) => `${origin}:${intervals.join('-')}`).sort(),
  }));
  return { clock, buckets: rows.sort((a, b) => byBytes(a.name, b.name)) };
}

/** An entry as text: engines may give Buffers or plain arrays for the same bytes. */
export const plain = (entry: Entry | undefined): unknown =>
  entry && {
    key: entry.key,
    dot: `${entry.origin}.${entry.seq}`,
    stamp: entry.stamp,
    digest: Buffer.from(entry.digest).toString('hex'),
    value: entry.value && Buffer.from(entry.value).toString('base64'),
  };

export const plainRow = ({ seq, stamp, key }: DotRow): DotRow => ({ seq, stamp, key });

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
