import type { Buffer } from 'node:buffer';
import { RumeurError } from '../../base/errors.js';
import type { RowChange, RowRange, RowStore, StoredRow, TableName } from '../rows.js';
import type { StoreSizes } from '../storage.js';
import { readError, toDiskError } from './errors.js';

export interface Patience {
  /** Milliseconds that a write may take. A sound disk under load takes tens of them, a dying one tries for seconds. */
  readonly write: number;
  /** Milliseconds that closing may take. */
  readonly close: number;
}

const PATIENCE: Patience = { write: 30_000, close: 2_000 };

/**
 * A handle that is given up at its first error, whether that comes while reading, writing, or by never coming: every
 * error becomes `DISK_FULL` or `DISK_FAILED`, one listener is told of the first, and nothing is written after it.
 */
export class GuardedRows implements RowStore {
  readonly #store: RowStore;
  readonly #directory: string;
  readonly #patience: Patience;
  #sizes: StoreSizes;
  #closed = false;
  #failure: RumeurError | undefined;
  #listener: (error: RumeurError) => void = () => undefined;
  /** What the engine has not ended: a write, or closing. */
  #unended: Promise<unknown> | undefined;

  constructor(store: RowStore, directory: string, patience = PATIENCE) {
    this.#store = store;
    this.#directory = directory;
    this.#patience = patience;
    this.#sizes = store.sizes();
  }

  /** Called once at most. */
  onFailure(listener: (error: RumeurError) => void): void {
    this.#listener = listener;
    if (this.#failure !== undefined) listener(this.#failure);
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    try {
      return this.#store.get(table, key);
    } catch (error) {
      throw this.fail(readError(error, this.#directory));
    }
  }

  *range(table: TableName, range: RowRange): Generator<StoredRow, undefined, undefined> {
    try {
      yield* this.#store.range(table, range);
    } catch (error) {
      throw this.fail(readError(error, this.#directory));
    }
    return undefined;
  }

  count(table: TableName): number {
    return this.#store.count(table);
  }

  async write(rows: readonly RowChange[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#inTime(this.#store.write(rows), this.#patience.write, 'a write');
    } catch (error) {
      throw this.fail(await toDiskError(error, this.#directory));
    }
  }

  /** What was last known, when the handle is of no use any more. */
  sizes(): StoreSizes {
    if (this.#failure !== undefined || this.#closed) return this.#sizes;
    try {
      this.#sizes = this.#store.sizes();
    } catch (error) {
      this.fail(readError(error, this.#directory));
    }
    return this.#sizes;
  }

  /**
   * @throws RumeurError `DISK_FAILED` when the engine does not come to an end: it is left alone then, as it would stop
   * the whole process
   */
  async close(): Promise<void> {
    if (this.#unended !== undefined) throw endless('a write', this.#directory);
    this.#sizes = this.sizes();
    this.#closed = true;
    await this.#inTime(this.#store.close(), this.#patience.close, 'closing');
  }

  get isUnended(): boolean {
    return this.#unended !== undefined;
  }

  /** Resolves when the engine has released everything, be it after we stopped waiting. */
  async released(): Promise<void> {
    const unended = this.#unended;
    if (unended === undefined) return;
    await unended.catch(() => undefined);
    this.#unended = undefined;
    await this.#store.close();
  }

  async #inTime(work: Promise<void>, milliseconds: number, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#unended = work;
        reject(endless(what, this.#directory));
      }, milliseconds);
    });
    try {
      await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Gives the handle up, for what somebody above has found. @returns the error */
  fail(error: RumeurError): RumeurError {
    if (this.#failure !== undefined) return error;
    this.#failure = error;
    this.#listener(error);
    return error;
  }
}

const endless = (what: string, directory: string): RumeurError =>
  new RumeurError('DISK_FAILED', `${what} of the data in ${directory} does not come to an end`, {
    hint: 'check the disk, then restart the process: as long as it hangs, the data cannot be opened again',
  });
