/**
 * A seeded random source for the pure rooms: the same seed gives the same run.
 * sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state; not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed four 32-bit words; in production from the system's secure source, in tests any. */
  constructor(seed: readonly [number, number, number, number]) {
    [this.#a, this.#b, this.#c, this.#d] = seed;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  static fromNumber(seed: number): Random {
    return new Random([0x9e3779b9, seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 1]);
  }

  uint32(): number {
    const t = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + t) | 0;
    return t >>> 0;
  }

  /** A number in [0, 1). */
  float(): number {
    return this.uint32() / 2 ** 32;
  }

  /** An integer in [low, high], both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.float() * (high - low + 1));
  }

  /** One element; `undefined` of an empty list. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.float() * items.length)];
  }

  /** Puts a list into a random order, in place (Fisher and Yates). */
  shuffle(items: unknown[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [items[i], items[j]] = [items[j], items[i]];
    }
  }

  /** 21 characters of nanoid's alphabet. */
  id(): string {
    let text = '';
    for (let i = 0; i < 21; i++) text += ALPHABET[this.uint32() & 63] ?? '';
    return text;
  }
}

const ALPHABET = 'useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict';
