import { Buffer } from 'node:buffer';
import type { BucketName, OriginId } from '../../base/ids.js';
import type { Entry } from '../../data/entry.js';
import type { StoredState } from '../../replica/batch.js';
import type { KeyRange } from '../../replica/view.js';
import type { BucketTables, DotSlot, Tables } from '../tables.js';
import { fieldOf } from './errors.js';
import type { Environment } from './environment.js';
import {
  dotKey,
  dotOfRow,
  dotRow,
  entryKey,
  entryKeyAbovePrefix,
  entryOfRow,
  entryRow,
  keyOfEntry,
} from './rows.js';
import { type Identity, type Sink, StateTable } from './state-table.js';

const ZERO = Buffer.of(0);

/** The data file, read as entries and rows of the dot index; and the way to write a layer of them into it. */
export class Disk {
  readonly #environment: Environment;
  readonly #state: StateTable;
  #failed = false;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#state = new StateTable(environment.state);
  }

  identity(): Identity | undefined {
    return this.#state.identity();
  }

  stored(): Omit<StoredState, 'peerId' | 'origin'> {
    return this.#state.stored();
  }

  /** Blocks until it is on the disk: for opening and closing, when no transaction is under way. */
  writeIdentity(identity: Identity): void {
    this.#environment.root.transactionSync(() => this.#state.putIdentity(write, identity));
  }

  get(bucket: BucketName, key: string): Entry | undefined {
    const number = this.#state.findBucket(bucket);
    // `getBinary` copies: what lmdb reads into is used again by the next read.
    const row = number === undefined ? undefined : this.#environment.entries.getBinary(entryKey(number, key));
    return row === undefined ? undefined : entryOfRow(key, row, this.#state.originOf);
  }

  /** Ascending in the order of the keys' bytes. */
  *entries(
    bucket: BucketName,
    { prefix = '', after = '' }: KeyRange,
  ): Generator<Entry, undefined, undefined> {
    const number = this.#state.findBucket(bucket);
    if (number === undefined) return undefined;
    const first = entryKey(number, prefix);
    const aboveAfter = Buffer.concat([entryKey(number, after), ZERO]);
    const start = after !== '' && Buffer.compare(aboveAfter, first) > 0 ? aboveAfter : first;
    const end = entryKeyAbovePrefix(number, prefix);
    if (Buffer.compare(start, end) >= 0) return undefined;
    for (const { key, value } of this.#environment.entries.getRange({ start, end })) {
      yield entryOfRow(keyOfEntry(key), value, this.#state.originOf);
    }
    return undefined;
  }

  /** Descending by seq. */
  *dots(
    bucket: BucketName,
    origin: OriginId,
    lo: number,
    hi: number,
  ): Generator<DotSlot, undefined, undefined> {
    const number = this.#state.findBucket(bucket);
    const originNumber = this.#state.findOrigin(origin);
    if (number === undefined || originNumber === undefined || lo > hi) return undefined;
    const start = dotKey(number, originNumber, Math.min(hi, Number.MAX_SAFE_INTEGER));
    // The end is not part of the range; below the least seq, 1, there is nothing.
    const end = dotKey(number, originNumber, Math.max(lo, 1) - 1);
    for (const { key, value } of this.#environment.dots.getRange({ start, end, reverse: true })) {
      const row = dotOfRow(key, value);
      yield { seq: row.seq, row };
    }
    return undefined;
  }

  /**
   * Writes the layer in one transaction. Resolves when that is on the disk and visible to reads from here.
   * One at a time: when several are under way, lmdb-js 3.5 may take one that failed for done.
   * @throws lmdb's error
   */
  async write(layer: Tables): Promise<void> {
    const { root } = this.#environment;
    const rows = this.#encode(layer);
    try {
      const committed = root.batch(() => rows.forEach((row) => write(...row)));
      // Only `committed` tells of a failure: after one `flushed` never settles.
      await Promise.race([root.flushed, committed.then(() => root.flushed)]);
    } catch (error) {
      this.#failed = true;
      throw await causeOf(error);
    }
    // The read transaction of this turn may be older.
    root.resetReadTxn();
  }

  async close(): Promise<void> {
    const { root } = this.#environment;
    // lmdb-js would wait for the flush of the failed transaction, for ever; its thread is done with it.
    if (this.#failed) Object.defineProperty(root, '_endWrites', { value: undefined });
    await root.close();
  }

  /** All rows, before the first is handed over: what throws half-way must not leave half a transaction. */
  #encode(layer: Tables): Parameters<Sink>[] {
    const rows: Parameters<Sink>[] = [];
    const sink: Sink = (...row) => rows.push(row);
    for (const [bucket, tables] of layer.buckets) this.#encodeBucket(sink, bucket, tables);
    this.#state.putMetaOf(sink, layer);
    return rows;
  }

  #encodeBucket(sink: Sink, bucket: BucketName, { entries, dots, vector, totals }: BucketTables): void {
    const number = this.#state.bucketNumber(sink, bucket);
    for (const [key, entry] of entries.entries()) {
      const row = entryRow(entry, this.#state.originNumber(sink, entry.origin));
      sink(this.#environment.entries, entryKey(number, key), row);
    }
    for (const [origin, slots] of dots) {
      const originNumber = this.#state.originNumber(sink, origin);
      for (const [seq, row] of slots.entries()) {
        sink(
          this.#environment.dots,
          dotKey(number, originNumber, seq),
          row === undefined ? undefined : dotRow(row),
        );
      }
    }
    for (const [origin, intervals] of vector) this.#state.putVector(sink, { bucket, origin, intervals });
    if (totals !== undefined) this.#state.putTotals(sink, totals);
  }
}

/** Into the transaction under way; whether it failed is told by that, not by each put. */
const write: Sink = (rows, key, row) => void (row === undefined ? rows.remove(key) : rows.put(key, row));

/** lmdb-js hides what happened behind another promise, which must be taken in any case. */
async function causeOf(error: unknown): Promise<unknown> {
  try {
    await fieldOf(error, 'commitError');
    return error;
  } catch (cause) {
    return cause;
  }
}
