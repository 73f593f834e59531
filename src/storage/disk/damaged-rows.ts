import type { Buffer } from 'node:buffer';
import type { RowChange, TableName } from '../rows.js';
import { unsettledRow } from './state-rows.js';

/** More than any few pages hold: the file as a whole is not to be trusted then. */
const MANY = 10_000;

/** Damaged rows that were met while reading; those of indexes until they are taken out with the next write. */
export class DamagedRows {
  /** Each is told of once; where the engine does not find it again it cannot be taken out. */
  readonly #known = new Set<string>();
  #toRemove: RowChange[] = [];
  #toTell = new Set<number>();
  #listener: ((bucket: number) => void) | undefined;

  /** In the middle of a read. @returns whether there are too many now */
  add(table: TableName, key: Buffer): boolean {
    const name = nameOf(table, key);
    if (this.#known.has(name)) return false;
    this.#known.add(name);
    // What a row of the state said nobody else knows: it stays for whoever looks into it.
    if (table !== 'state') this.#toRemove.push({ table, key, row: undefined });
    if (this.#toTell.size === 0) setImmediate(() => this.#tell());
    this.#toTell.add(bucketOf(key));
    return this.#known.size > MANY;
  }

  get count(): number {
    return this.#known.size;
  }

  /** Tells the numbers of the buckets, between two turns. What a damaged key says may be the number of none. */
  onDamage(listener: (bucket: number) => void): void {
    this.#listener = listener;
    this.#tell();
  }

  #tell(): void {
    if (this.#listener === undefined) return;
    const buckets = this.#toTell;
    this.#toTell = new Set();
    for (const bucket of buckets) this.#listener(bucket);
  }

  /**
   * Adds to a transaction that they go, and that their buckets are to be counted anew: in the same transaction, as
   * sums in it may have been added to what was passed over.
   * @param isStill whether the row is damaged still: a transaction that was under way when it was met may have replaced it
   * @param exists whether a bucket has this number
   */
  joinTo(
    rows: readonly RowChange[],
    isStill: (row: RowChange) => boolean,
    exists: (bucket: number) => boolean,
  ): readonly RowChange[] {
    if (this.#known.size === 0) return rows;
    for (const { table, key } of rows) this.#known.delete(nameOf(table, key));
    const buckets = new Set(this.#toRemove.map(({ key }) => bucketOf(key)));
    const removed = this.#toRemove.filter(isStill);
    this.#toRemove = [];
    // What is written again in this transaction comes after its removal.
    return [...removed, ...rows, ...[...buckets].filter(exists).map(unsettledRow)];
  }
}

const nameOf = (table: TableName, key: Buffer): string => `${table} ${key.toString('hex')}`;

/** Keys of all indexes begin with the number of the bucket, those of the state with no number of one; -1 for what is no such key. */
export const bucketOf = (key: Buffer): number => (key.length < 2 ? -1 : key.readUInt16BE(0));
