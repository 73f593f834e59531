import type { Buffer } from 'node:buffer';
import { toText, utf8 } from '../../base/bytes.js';
import type { BucketName, OriginId, PeerId } from '../../base/ids.js';
import { Fingerprint } from '../../data/fingerprint.js';
import type { Intervals } from '../../data/intervals.js';
import { stampFromText, STAMP_ZERO, stampToText } from '../../data/stamp.js';
import type { AddressRecord } from '../../protocol/address-book.js';
import type { StoredBucket, StoredState, Totals, VectorRow } from '../../replica/batch.js';
import type { Tables } from '../tables.js';
import type { Rows } from './environment.js';
import { Names } from './names.js';
import {
  damaged,
  intervalsOfRow,
  intervalsRow,
  type StateTag,
  stateKey,
  totalsOfRow,
  totalsRow,
  uint16,
  uint32,
} from './rows.js';

/** The layout of the data file; a file with another number is another version's. */
const FORMAT = 1;

/** Who the store is; `open` from before it is used until it is closed in order. */
export interface Identity {
  readonly peerId: PeerId;
  readonly origin: OriginId;
  readonly open: boolean;
}

/** Takes a row to write, or with `undefined` to remove. */
export type Sink = (rows: Rows, key: Buffer, row: Buffer | undefined) => void;

/** Whether a data file with this table is a store that we can go on with: one of ours, or one just begun. */
export function isOurs(rows: Rows): boolean {
  return readMeta(rows, 'format') === FORMAT || rows.getKeysCount({ limit: 1 }) === 0;
}

/** The small table beside entries and dot index: names, vectors, totals, and what the store knows about itself. */
export class StateTable {
  readonly #rows: Rows;
  readonly #buckets = new Names<BucketName>();
  readonly #origins = new Names<OriginId>();

  constructor(rows: Rows) {
    this.#rows = rows;
    for (const [key, name] of this.#all('b'))
      this.#buckets.restore(key.readUInt16BE(1), toText(name) as BucketName);
    for (const [key, name] of this.#all('o'))
      this.#origins.restore(key.readUInt32BE(1), toText(name) as OriginId);
  }

  /** `undefined` in a data file that is new. */
  identity(): Identity | undefined {
    return readMeta(this.#rows, 'identity') as Identity | undefined;
  }

  putIdentity(sink: Sink, identity: Identity): void {
    this.#putMeta(sink, 'format', FORMAT);
    this.#putMeta(sink, 'identity', identity);
  }

  findBucket(name: BucketName): number | undefined {
    return this.#buckets.find(name);
  }

  findOrigin(origin: OriginId): number | undefined {
    return this.#origins.find(origin);
  }

  readonly originOf = (number: number): OriginId | undefined => this.#origins.name(number);

  /** The number of a bucket; a new one is written down with the rows that use it. */
  bucketNumber(sink: Sink, name: BucketName): number {
    return this.#buckets.give(name, (number) => sink(this.#rows, stateKey('b', uint16(number)), utf8(name)));
  }

  originNumber(sink: Sink, origin: OriginId): number {
    return this.#origins.give(origin, (number) =>
      sink(this.#rows, stateKey('o', uint32(number)), utf8(origin)),
    );
  }

  putVector(sink: Sink, { bucket, origin, intervals }: VectorRow): void {
    const key = stateKey(
      'v',
      uint16(this.bucketNumber(sink, bucket)),
      uint32(this.originNumber(sink, origin)),
    );
    sink(this.#rows, key, intervalsRow(intervals));
  }

  putTotals(sink: Sink, { bucket, keys, hash }: Totals): void {
    sink(this.#rows, stateKey('t', uint16(this.bucketNumber(sink, bucket))), totalsRow(keys, hash));
  }

  putMetaOf(sink: Sink, { clock, origin, addresses }: Tables): void {
    if (clock !== undefined) this.#putMeta(sink, 'clock', stampToText(clock));
    if (addresses !== undefined) this.#putMeta(sink, 'addresses', addresses);
    const identity = origin === undefined ? undefined : this.identity();
    if (origin !== undefined && identity !== undefined) this.putIdentity(sink, { ...identity, origin });
  }

  stored(): Omit<StoredState, 'peerId' | 'origin'> {
    return {
      clock: stampFromText(String(readMeta(this.#rows, 'clock'))) ?? STAMP_ZERO,
      buckets: this.#storedBuckets(),
      addresses: (readMeta(this.#rows, 'addresses') ?? []) as AddressRecord[],
    };
  }

  #storedBuckets(): Map<BucketName, StoredBucket> {
    const vectors = new Map<BucketName, [OriginId, Intervals][]>();
    for (const [key, row] of this.#all('v')) {
      const origin = this.originOf(key.readUInt32BE(3));
      if (origin === undefined) throw damaged('a row of a version vector');
      const bucket = this.#bucketOf(key);
      const vector = vectors.get(bucket);
      if (vector === undefined) vectors.set(bucket, [[origin, intervalsOfRow(row)]]);
      else vector.push([origin, intervalsOfRow(row)]);
    }
    const none = { keys: 0, hash: Fingerprint.empty().toBytes() };
    const buckets = new Map<BucketName, StoredBucket>();
    for (const [bucket, vector] of vectors) buckets.set(bucket, { ...none, vector });
    for (const [key, row] of this.#all('t')) {
      const bucket = this.#bucketOf(key);
      buckets.set(bucket, { vector: vectors.get(bucket) ?? [], ...totalsOfRow(row) });
    }
    return buckets;
  }

  #bucketOf(key: Buffer): BucketName {
    const bucket = this.#buckets.name(key.readUInt16BE(1));
    if (bucket === undefined) throw damaged('a row of a bucket');
    return bucket;
  }

  /** All rows of one kind. */
  *#all(tag: StateTag): Generator<readonly [Buffer, Buffer], undefined, undefined> {
    const start = stateKey(tag);
    const end = stateKey(String.fromCharCode(tag.charCodeAt(0) + 1) as StateTag);
    for (const { key, value } of this.#rows.getRange({ start, end })) yield [key, value];
    return undefined;
  }

  #putMeta(sink: Sink, name: string, value: unknown): void {
    sink(this.#rows, metaKey(name), utf8(JSON.stringify(value)));
  }
}

const metaKey = (name: string): Buffer => stateKey('m', utf8(name));

function readMeta(rows: Rows, name: string): unknown {
  const row = rows.getBinary(metaKey(name));
  if (row === undefined) return undefined;
  try {
    return JSON.parse(toText(row));
  } catch (error) {
    throw damaged(`the row ${name}: ${String(error)}`);
  }
}
