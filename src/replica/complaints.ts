/** A complaint is made again after this, milliseconds. */
const AGAIN_MS = 600_000;
/** Complaints that are remembered. */
const CAPACITY = 1000;

/** Keeps a peer that comes back again and again from filling the log with the same complaint. */
export class Complaints {
  readonly #madeAt = new Map<string, number>();

  /** `warn` for the first complaint of its kind about somebody, `debug` for those that follow it soon. */
  level(about: string, kind: string, now: number): 'warn' | 'debug' {
    const key = `${kind} ${about}`;
    const madeAt = this.#madeAt.get(key) ?? -Infinity;
    if (now - madeAt < AGAIN_MS) return 'debug';
    if (this.#madeAt.size >= CAPACITY) this.#madeAt.clear();
    this.#madeAt.set(key, now);
    return 'warn';
  }
}
