import type { Page } from './service.js';

/** Cells that one turn of the event loop passes over without showing them, such as those of deleted keys. */
export const PASSED_AT_ONCE = 4000;

/** Puts a page together, and knows where it ends: at its limit, at its size, or when too much was passed over. */
export class PageBuilder<T> {
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #rows: T[] = [];
  #bytes = 0;
  #passed = 0;
  #after: string | undefined;

  constructor(limit: number, maxBytes: number) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes a row, the first one whatever its size; `false` when the page is full.
   * @param at its place, after which the next page goes on
   */
  add(row: T, at: string, bytes: number): boolean {
    const isFull = this.#rows.length > 0 && this.#bytes + bytes > this.#maxBytes;
    if (isFull || this.#rows.length >= this.#limit) return false;
    this.#rows.push(row);
    this.#bytes += bytes;
    this.#after = at;
    return true;
  }

  /** Passes over what gives no row; `false` when that were too many. */
  pass(at: string): boolean {
    if (this.#passed >= PASSED_AT_ONCE) return false;
    this.#passed++;
    this.#after = at;
    return true;
  }

  /** The page, when there is nothing above it. */
  get last(): Page<T> {
    return { rows: this.#rows };
  }

  /** The page, when it ends before the list does. */
  get part(): Page<T> {
    return this.#after === undefined ? this.last : { rows: this.#rows, after: this.#after };
  }
}
