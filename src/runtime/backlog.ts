import type { Cell } from '../data/cell.js';
import type { Batch } from '../replica/batch.js';
import type { Storage } from '../storage/storage.js';

/** What may be on its way to the store before nothing more is handled: one transaction must stay short. */
const MAX_PUTS = 4_000;
const MAX_BYTES = 8 * 2 ** 20;
/** About what an entry weighs beside its key and value, in bytes: dot, stamp, digest, its rows in the indexes. */
const ENTRY_BYTES = 200;
/** A batch that has not settled after so long is told of, in milliseconds. */
const SLOW_MS = 5_000;

export interface BacklogEvents {
  /** A batch has settled, and there is room for more. */
  room(): void;
  /** The oldest batch waits for longer than 5 seconds; told once, until all of them have settled. */
  slow(ms: number): void;
}

/** What was handed to the store and is not yet committed, in puts and in bytes, whoever waits for it. */
export class Backlog {
  readonly #storage: Storage;
  readonly #events: BacklogEvents;
  /** When each batch was handed over; they settle in this order. */
  readonly #since: number[] = [];
  #puts = 0;
  #bytes = 0;
  #isSlow = false;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(storage: Storage, events: BacklogEvents) {
    this.#storage = storage;
    this.#events = events;
  }

  get isFull(): boolean {
    return this.#puts > MAX_PUTS || this.#bytes > MAX_BYTES;
  }

  /** @throws what the store throws: then nothing of the batch was taken */
  commit(batch: Batch): void {
    this.#storage.commit(batch);
    const bytes = sizeOf(batch);
    const puts = batch.puts.length;
    this.#puts += puts;
    this.#bytes += bytes;
    this.#since.push(performance.now());
    this.#timer ??= this.#alarm(SLOW_MS);
    this.#storage.committed().then(
      () => this.#settled(puts, bytes),
      // The store tells by itself that it failed; what was on its way stays so.
      () => undefined,
    );
  }

  #settled(puts: number, bytes: number): void {
    this.#puts -= puts;
    this.#bytes -= bytes;
    this.#since.shift();
    if (this.#since.length === 0) this.#isSlow = false;
    if (!this.isFull && !this.#ended) this.#events.room();
  }

  #alarm(ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timer = undefined;
      const [oldest] = this.#since;
      if (oldest === undefined || this.#isSlow) return;
      const waited = performance.now() - oldest;
      this.#isSlow = waited >= SLOW_MS;
      if (this.#isSlow) this.#events.slow(waited);
      else this.#timer = this.#alarm(SLOW_MS - waited);
    }, ms);
    return timer.unref();
  }

  /** Nothing is told any more. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}

const sizeOf = ({ puts }: Batch): number =>
  puts.reduce((sum, { key, after }) => sum + key.length + sizeOfCell(after), 0);

const sizeOfCell = (cell: Cell): number =>
  cell.reduce((sum, { value }) => sum + ENTRY_BYTES + (value?.length ?? 0), 0);
