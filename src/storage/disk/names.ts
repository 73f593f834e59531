/**
 * Numbers that stand for names in keys and rows: origins are 21 bytes, and every row has one or two. A number
 * once given is kept for ever; the caller writes new ones down.
 */
export class Names<T extends string> {
  readonly #numbers = new Map<T, number>();
  readonly #names: T[] = [];

  /** Takes back what was written down; in any order. */
  restore(number: number, name: T): void {
    this.#numbers.set(name, number);
    this.#names[number] = name;
  }

  find(name: T): number | undefined {
    return this.#numbers.get(name);
  }

  /** The number of `name`; `added` is called when it is new. */
  give(name: T, added: (number: number) => void): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#names.length;
    this.restore(number, name);
    added(number);
    return number;
  }

  all(): Iterable<T> {
    return this.#numbers.keys();
  }

  /** @returns `undefined` for a number that was never given: the row it is from is damaged. */
  name(number: number): T | undefined {
    return this.#names[number];
  }
}
