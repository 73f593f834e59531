/**
 * A map of what was set last: it keeps at least the last `least` keys, and at most twice as many. In two generations,
 * the older of which goes as a whole: to take single keys out of the head of a `Map` makes it look for its head among
 * all that was taken out before.
 */
export class RecentMap<K, V> {
  readonly #least: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(least: number) {
    this.#least = least;
  }

  /** Keys kept; some of them may be counted twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: K): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  *values(): Iterable<V> {
    yield* this.#young.values();
    for (const [key, value] of this.#old) if (!this.#young.has(key)) yield value;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#least && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
