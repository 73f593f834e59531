import { RumeurError } from '../base/errors.js';

/** What a slow reader may leave waiting: changes, and MiB of their keys and values. */
const CAPACITY = 10_000;
const CAPACITY_MIB = 64;

/**
 * Turns calls into an async iterator with a bounded buffer: a reader that falls too far behind gets `WATCH_OVERFLOW`
 * rather than the process its memory.
 */
export class WatchStream<T> implements AsyncIterableIterator<T> {
  readonly #buffer: { readonly item: T; readonly bytes: number }[] = [];
  #bufferedBytes = 0;
  readonly #waiting: { resolve(result: IteratorResult<T>): void; reject(error: RumeurError): void }[] = [];
  #stop: (() => void) | undefined;
  #ended = false;
  #failure: RumeurError | undefined;

  /** @param start begins to call `push` and returns the way to stop it */
  constructor(start: (push: (item: T, bytes: number) => void) => () => void) {
    this.#stop = start((item, bytes) => this.#push(item, bytes));
  }

  #push(item: T, bytes: number): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting) return waiting.resolve({ value: item, done: false });
    if (this.#buffer.length >= CAPACITY) return this.#overflow(`${CAPACITY} changes`);
    if (this.#bufferedBytes + bytes > CAPACITY_MIB * 2 ** 20)
      return this.#overflow(`${CAPACITY_MIB} MiB of changes`);
    this.#buffer.push({ item, bytes });
    this.#bufferedBytes += bytes;
  }

  #overflow(bound: string): void {
    const hint = 'watch again and read the present values; read faster or watch a narrower prefix';
    this.fail(new RumeurError('WATCH_OVERFLOW', `more than ${bound} were not read`, { hint }));
  }

  /** Ends the stream with an error; what is buffered can still be read before it. */
  fail(error: RumeurError): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting) waiting.reject(error);
    else this.#failure = error;
    this.end();
  }

  /** Ends the stream; what is buffered can still be read. */
  end(): void {
    this.#ended = true;
    this.#stop?.();
    this.#stop = undefined;
    for (const waiting of this.#waiting.splice(0)) waiting.resolve({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#buffer.shift();
    if (next) {
      this.#bufferedBytes -= next.bytes;
      return Promise.resolve({ value: next.item, done: false });
    }
    if (this.#failure) {
      const error = this.#failure;
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T>> {
    this.#buffer.length = 0;
    this.#bufferedBytes = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
