import { RumeurError } from '../base/errors.js';
import type { Outcome } from '../replica/step.js';

/** Keys and values of unanswered writes beyond which further ones are refused, in bytes. */
const MAX_BYTES = 64 * 2 ** 20;

interface Open {
  readonly bytes: number;
  /** Whether the replica has answered: then only the disk is waited for. */
  answered: boolean;
  resolve(outcome: Outcome): void;
  reject(error: RumeurError): void;
}

/** The requests whose callers wait: for the replica, and then, as far as configured, for the disk. */
export class Requests {
  readonly #most: number;
  readonly #open = new Map<number, Open>();
  #bytes = 0;
  #last = 0;

  /** @param most requests that may be open; further ones are refused with `OVERLOADED` */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Opens a request. @param bytes what it takes in memory
   * @param begin is called with its number, unless it is refused
   */
  open(bytes: number, begin: (request: number) => void): Promise<Outcome> {
    const refusal = this.#overload(bytes);
    if (refusal) return Promise.reject(refusal);
    const request = ++this.#last;
    this.#bytes += bytes;
    return new Promise<Outcome>((resolve, reject) => {
      this.#open.set(request, { bytes, answered: false, resolve, reject });
      begin(request);
    });
  }

  #overload(bytes: number): RumeurError | undefined {
    const isFull = this.#open.size >= this.#most;
    // A write that is larger than the bound is let through alone.
    const isHeavy = this.#bytes > 0 && this.#bytes + bytes > MAX_BYTES;
    if (!isFull && !isHeavy) return undefined;
    const what = isFull ? `${this.#open.size} writes` : `writes of ${this.#bytes} bytes`;
    const hint = 'wait for acknowledgements and retry';
    return new RumeurError('OVERLOADED', `${what} are waiting for the disk`, { hint });
  }

  /** The replica has answered. @returns whether anybody waits for that */
  answered(request: number): boolean {
    const open = this.#open.get(request);
    if (open) open.answered = true;
    return open !== undefined;
  }

  settle(request: number, outcome: Outcome | RumeurError): void {
    if (outcome instanceof RumeurError) this.reject(request, outcome);
    else this.#take(request)?.resolve(outcome);
  }

  reject(request: number, error: RumeurError): void {
    this.#take(request)?.reject(error);
  }

  /** @param which those that the replica has not answered, or those too that only lack the disk */
  rejectAll(error: RumeurError, which: 'unanswered' | 'all'): void {
    for (const [request, { answered }] of [...this.#open])
      if (which === 'all' || !answered) this.reject(request, error);
  }

  #take(request: number): Open | undefined {
    const open = this.#open.get(request);
    if (!open) return undefined;
    this.#open.delete(request);
    this.#bytes -= open.bytes;
    return open;
  }
}
