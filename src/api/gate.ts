import { toRumeurError } from '../base/errors.js';
import { closedError } from './closed.js';
import type { Soon } from './service.js';

/** Lets the calls of a peer in until it is closed. */
export class Gate {
  readonly #endings = new Set<() => void>();
  #isOpen = true;

  /** Errors come as rejections and as RumeurErrors, also those found before anything was awaited. */
  async attempt<T>(act: () => Soon<T>): Promise<T> {
    this.check();
    try {
      return await act();
    } catch (thrown) {
      throw toRumeurError(thrown);
    }
  }

  /** @throws `PEER_UNREACHABLE` once it is shut */
  check(): void {
    if (!this.#isOpen) throw closedError();
  }

  /** Calls `end` when it is shut, unless the returned function is called before. */
  whenShut(end: () => void): () => void {
    this.#endings.add(end);
    return () => this.#endings.delete(end);
  }

  shut(): void {
    this.#isOpen = false;
    for (const end of this.#endings) end();
  }
}
