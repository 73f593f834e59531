import { toHex } from '../base/bytes.js';

/**
 * The order-independent hash of a set: the sum of its members' 128-bit digests modulo 2^128 (AdHash, Bellare
 * and Micciancio 1997). Adding and removing a member costs four additions.
 */
export class Fingerprint {
  readonly #words: Uint32Array;

  private constructor(words: Uint32Array) {
    this.#words = words;
  }

  static empty(): Fingerprint {
    return new Fingerprint(new Uint32Array(4));
  }

  /** @param bytes 16 bytes, least word first. */
  static fromBytes(bytes: Uint8Array): Fingerprint {
    return new Fingerprint(Uint32Array.of(...[0, 4, 8, 12].map((at) => wordAt(bytes, at))));
  }

  clone(): Fingerprint {
    return new Fingerprint(this.#words.slice());
  }

  /** Becomes equal to `other`. */
  reset(other: Fingerprint): void {
    this.#words.set(other.#words);
  }

  add(digest: Uint8Array): void {
    let carry = 0;
    for (let i = 0; i < 4; i++) {
      const sum = (this.#words[i] as number) + wordAt(digest, 4 * i) + carry;
      this.#words[i] = sum;
      carry = sum > 0xffff_ffff ? 1 : 0;
    }
  }

  remove(digest: Uint8Array): void {
    let borrow = 0;
    for (let i = 0; i < 4; i++) {
      const difference = (this.#words[i] as number) - wordAt(digest, 4 * i) - borrow;
      this.#words[i] = difference;
      borrow = difference < 0 ? 1 : 0;
    }
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 4; i++) view.setUint32(4 * i, this.#words[i] as number, true);
    return bytes;
  }

  toText(): string {
    return toHex(this.toBytes());
  }
}

/** 32 bits, least byte first. Not by a `DataView`: that would be one more object for each sum that changes. */
export const wordAt = (bytes: Uint8Array, at: number): number =>
  (((bytes[at + 3] as number) << 24) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 1] as number) << 8) |
    (bytes[at] as number)) >>>
  0;
