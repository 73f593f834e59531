import { wordAt } from '../data/fingerprint.js';

/**
 * A range sum: the same arithmetic as `Fingerprint` (sums modulo 2^128, least byte first), which is made for one hash a
 * bucket. Several of these change with every put, so that they are plain numbers and changing them allocates nothing.
 */
export class Sum {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** @param bytes 16 bytes */
  static fromBytes(bytes: Uint8Array): Sum {
    const sum = new Sum();
    sum.add(bytes);
    return sum;
  }

  clone(): Sum {
    return new Sum().addSum(this);
  }

  get isZero(): boolean {
    return this.#a === 0 && this.#b === 0 && this.#c === 0 && this.#d === 0;
  }

  /** @param at where 16 bytes begin */
  add(bytes: Uint8Array, at = 0): void {
    this.#addWords(wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8), wordAt(bytes, at + 12));
  }

  addSum(other: Sum): this {
    this.#addWords(other.#a, other.#b, other.#c, other.#d);
    return this;
  }

  /** @param bytes 16 bytes */
  remove(bytes: Uint8Array): void {
    // Adds the two's complement: all bits turned over, and one more.
    this.#addWords(
      ~wordAt(bytes, 0) >>> 0,
      ~wordAt(bytes, 4) >>> 0,
      ~wordAt(bytes, 8) >>> 0,
      ~wordAt(bytes, 12) >>> 0,
      1,
    );
  }

  #addWords(a: number, b: number, c: number, d: number, carry = 0): void {
    const sumA = this.#a + a + carry;
    const sumB = this.#b + b + (sumA > 0xffff_ffff ? 1 : 0);
    const sumC = this.#c + c + (sumB > 0xffff_ffff ? 1 : 0);
    const sumD = this.#d + d + (sumC > 0xffff_ffff ? 1 : 0);
    this.#a = sumA >>> 0;
    this.#b = sumB >>> 0;
    this.#c = sumC >>> 0;
    this.#d = sumD >>> 0;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(16);
    this.writeTo(bytes, 0);
    return bytes;
  }

  writeTo(bytes: Uint8Array, at: number): void {
    writeWord(bytes, this.#a, at);
    writeWord(bytes, this.#b, at + 4);
    writeWord(bytes, this.#c, at + 8);
    writeWord(bytes, this.#d, at + 12);
  }
}

function writeWord(bytes: Uint8Array, value: number, at: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
