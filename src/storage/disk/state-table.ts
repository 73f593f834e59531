import { Buffer } from 'node:buffer';
import { toText, utf8 } from '../../base/bytes.js';
import type { BucketName, OriginId, PeerId } from '../../base/ids.js';
import type { Dot } from '../../data/dot.js';
import { Fingerprint } from '../../data/fingerprint.js';
import type { Intervals } from '../../data/intervals.js';
import { stampFromText, STAMP_ZERO, stampToText } from '../../data/stamp.js';
import type { AddressRecord } from '../../protocol/address-book.js';
import type { DamageMark, StoredBucket, StoredState, Totals, VectorRow } from '../../replica/batch.js';
import type { RowStore, TableName } from '../rows.js';
import type { Tables } from '../tables.js';
import { FORMAT_KEY } from './format.js';
import { damaged, LAYOUT } from './layout.js';
import { Names } from './names.js';
import { dotKey, dotOfRow, dotRow } from './index-rows.js';
import { uint16, uint32 } from './numbers.js';
import {
  intervalsOfRow,
  intervalsRow,
  marksOfOldRow,
  memberOfRow,
  memberRow,
  type StateTag,
  stateKey,
  totalsOfRow,
  totalsRow,
} from './state-rows.js';

/** Who the store is; `open` from before it is used until it is closed in order. */
export interface Identity {
  readonly peerId: PeerId;
  readonly origin: OriginId;
  readonly open: boolean;
}

/** Takes a row to write, or with `undefined` to remove. */
export type Sink = (table: TableName, key: Buffer, row: Buffer | undefined) => void;

/** The small table beside cells and indexes: names, vectors, totals, and what the store knows about itself. */
export class StateTable {
  readonly #store: RowStore;
  readonly #buckets = new Names<BucketName>();
  readonly #origins = new Names<OriginId>();

  constructor(store: RowStore) {
    this.#store = store;
    for (const [key, name] of this.#all('b'))
      this.#buckets.restore(key.readUInt16BE(1), toText(name) as BucketName);
    for (const [key, name] of this.#all('o'))
      this.#origins.restore(key.readUInt32BE(1), toText(name) as OriginId);
  }

  putLayout(sink: Sink): void {
    sink('state', FORMAT_KEY, utf8(`${LAYOUT}`));
  }

  /** `undefined` in a data file that is new. */
  identity(): Identity | undefined {
    return readMeta(this.#store, 'identity') as Identity | undefined;
  }

  putIdentity(sink: Sink, identity: Identity): void {
    if (this.#store.get('state', FORMAT_KEY) === undefined) this.putLayout(sink);
    this.#putMeta(sink, 'identity', identity);
  }

  bucketName(number: number): BucketName | undefined {
    return this.#buckets.name(number);
  }

  findBucket(name: BucketName): number | undefined {
    return this.#buckets.find(name);
  }

  findOrigin(origin: OriginId): number | undefined {
    return this.#origins.find(origin);
  }

  bucketNames(): Iterable<BucketName> {
    return this.#buckets.all();
  }

  originNames(): Iterable<OriginId> {
    return this.#origins.all();
  }

  readonly originOf = (number: number): OriginId | undefined => this.#origins.name(number);

  /** The number of a bucket; a new one is written down with the rows that use it. */
  bucketNumber(sink: Sink, name: BucketName): number {
    return this.#buckets.give(name, (number) => sink('state', stateKey('b', uint16(number)), utf8(name)));
  }

  originNumber(sink: Sink, origin: OriginId): number {
    return this.#origins.give(origin, (number) => sink('state', stateKey('o', uint32(number)), utf8(origin)));
  }

  putVector(sink: Sink, row: VectorRow): void {
    this.#putIntervals(sink, 'v', row);
  }

  putFloor(sink: Sink, row: VectorRow): void {
    this.#putIntervals(sink, 'f', row);
  }

  #putIntervals(sink: Sink, tag: 'v' | 'f', { bucket, origin, intervals }: VectorRow): void {
    const key = stateKey(
      tag,
      uint16(this.bucketNumber(sink, bucket)),
      uint32(this.originNumber(sink, origin)),
    );
    sink('state', key, intervals.length === 0 ? undefined : intervalsRow(intervals));
  }

  putTotals(sink: Sink, totals: Totals): void {
    sink('state', stateKey('t', uint16(this.bucketNumber(sink, totals.bucket))), totalsRow(totals));
  }

  putMark(sink: Sink, bucket: BucketName, { origin, seq }: Dot, mark: DamageMark | undefined): void {
    const number = this.originNumber(sink, origin);
    const key = stateKey('d', dotKey(this.bucketNumber(sink, bucket), number, seq));
    sink('state', key, mark && dotRow({ seq, stamp: mark.stamp ?? STAMP_ZERO, key: mark.key }));
  }

  putUnsettled(sink: Sink, bucket: BucketName, isUnsettled: boolean): void {
    const key = stateKey('c', uint16(this.bucketNumber(sink, bucket)));
    sink('state', key, isUnsettled ? Buffer.of(1) : undefined);
  }

  /** Whether an earlier version left all marks of a bucket in one row. */
  hasOldMarks(): boolean {
    for (const [key] of this.#all('d')) if (isOldMarks(key)) return true;
    return false;
  }

  /** That version counted anew only later what it had taken out: whether it came to that nobody knows. */
  renewMarks(sink: Sink): void {
    for (const [key, row] of [...this.#all('d')]) {
      if (!isOldMarks(key)) continue;
      const bucket = this.#bucketNamed(key);
      for (const mark of marksOfOldRow(row)) this.putMark(sink, bucket, mark, mark);
      this.putUnsettled(sink, bucket, true);
      sink('state', key, undefined);
    }
  }

  /** What belongs to no bucket. */
  putRestOf(sink: Sink, { clock, origin, addresses, members }: Tables): void {
    for (const [peer, record] of members)
      sink('state', stateKey('p', utf8(peer)), record && memberRow(record));
    if (clock !== undefined) this.#putMeta(sink, 'clock', stampToText(clock));
    if (addresses !== undefined) this.#putMeta(sink, 'addresses', addresses);
    const identity = origin === undefined ? undefined : this.identity();
    if (origin !== undefined && identity !== undefined) this.putIdentity(sink, { ...identity, origin });
  }

  stored(): Omit<StoredState, 'peerId' | 'origin'> {
    return {
      clock: stampFromText(String(readMeta(this.#store, 'clock'))) ?? STAMP_ZERO,
      buckets: this.#storedBuckets(),
      addresses: (readMeta(this.#store, 'addresses') ?? []) as AddressRecord[],
      members: Array.from(this.#all('p'), ([, row]) => memberOfRow(row)),
    };
  }

  #storedBuckets(): Map<BucketName, StoredBucket> {
    const buckets = new Map<BucketName, OpenedBucket>();
    const bucketOf = (key: Buffer): OpenedBucket => {
      const name = this.#bucketNamed(key);
      let bucket = buckets.get(name);
      if (bucket === undefined) buckets.set(name, (bucket = openedBucket()));
      return bucket;
    };
    for (const [key, row] of this.#all('v')) bucketOf(key).vector.push(this.#originAndIntervals(key, row));
    for (const [key, row] of this.#all('f')) bucketOf(key).floor.push(this.#originAndIntervals(key, row));
    for (const [key, row] of this.#all('t')) Object.assign(bucketOf(key), totalsOfRow(row));
    for (const [key, row] of this.#all('d')) bucketOf(key).damages.push(...this.#marksOf(key, row));
    for (const [key] of this.#all('c')) bucketOf(key).isUnsettled = true;
    return buckets;
  }

  #bucketNamed(key: Buffer): BucketName {
    const name = this.#buckets.name(key.readUInt16BE(1));
    if (name === undefined) throw damaged('a row of a bucket');
    return name;
  }

  #marksOf(key: Buffer, row: Buffer): DamageMark[] {
    if (isOldMarks(key)) return marksOfOldRow(row);
    const origin = this.originOf(key.readUInt32BE(3));
    const dot = dotOfRow(key.subarray(1), row);
    if (origin === undefined || dot === undefined) throw damaged('a damage mark');
    const { seq, stamp, key: marked } = dot;
    return [{ origin, seq, key: marked, ...(stamp === STAMP_ZERO ? {} : { stamp }) }];
  }

  #originAndIntervals(key: Buffer, row: Buffer): readonly [OriginId, Intervals] {
    const origin = this.originOf(key.readUInt32BE(3));
    if (origin === undefined) throw damaged('a row of a version vector');
    return [origin, intervalsOfRow(row)];
  }

  /** All rows of one kind. */
  *#all(tag: StateTag): Generator<readonly [Buffer, Buffer], undefined, undefined> {
    const start = stateKey(tag);
    const end = stateKey(String.fromCharCode(tag.charCodeAt(0) + 1) as StateTag);
    for (const { key, value } of this.#store.range('state', { start, end })) yield [key, value];
    return undefined;
  }

  #putMeta(sink: Sink, name: string, value: unknown): void {
    sink('state', metaKey(name), utf8(JSON.stringify(value)));
  }
}

interface OpenedBucket extends StoredBucket {
  readonly vector: (readonly [OriginId, Intervals])[];
  readonly floor: (readonly [OriginId, Intervals])[];
  readonly damages: DamageMark[];
  isUnsettled: boolean;
}

const openedBucket = (): OpenedBucket => ({
  vector: [],
  floor: [],
  damages: [],
  isUnsettled: false,
  keys: 0,
  tombstones: 0,
  droppedUpTo: STAMP_ZERO,
  hash: Fingerprint.empty().toBytes(),
});

/** Rows of single marks have a dot in their keys. */
const isOldMarks = (key: Buffer): boolean => key.length === 3;

const metaKey = (name: string): Buffer => stateKey('m', utf8(name));

function readMeta(store: RowStore, name: string): unknown {
  const row = store.get('state', metaKey(name));
  if (row === undefined) return undefined;
  try {
    return JSON.parse(toText(row));
  } catch (error) {
    throw damaged(`the row ${name}`, error);
  }
}
