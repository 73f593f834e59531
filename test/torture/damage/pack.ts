import { AskedProcess } from '../tools/asked-process.js';
import { compiled } from '../tools/places.js';
import type { PackOrder } from './pack-protocol.js';

/** An order that is not answered after so long has met a process that hangs, milliseconds. */
const PATIENCE_MS = 30_000;

/** Peers in a process of their own, a new one whenever a store has brought it down. */
export class Pack {
  readonly #process = new AskedProcess(compiled('damage/pack-main.js'), PATIENCE_MS);

  get log(): string {
    return this.#process.log;
  }

  /** @throws Died; Error of what the order met */
  async ask<T>(order: PackOrder): Promise<T> {
    const message = await this.#process.ask<{ answer: T } | { error: string }>(order);
    if ('error' in message) throw new Error(message.error);
    return message.answer;
  }

  end(): void {
    this.#process.end();
  }
}
