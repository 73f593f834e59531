import { Decoder, Encoder } from '@msgpack/msgpack';
import { Buffer, isUtf8 } from 'node:buffer';
import { toText } from '../base/bytes.js';
import { isBucketName, isId, type BucketName, type OriginId } from '../base/ids.js';
import { type Intervals, isIntervals } from '../data/intervals.js';
import type { Stamp } from '../data/stamp.js';
import { VersionVector } from '../data/version-vector.js';
import { checkShape } from './codec/shape.js';
import { MAX_ELEMENTS, MAX_KEY_BYTES, MAX_TEXT_BYTES, MAX_VALUE_BYTES } from './limits.js';
import { MalformedMessage } from './malformed.js';

export { MalformedMessage };

const HASH_BYTES = 16;
export const SHORT_HASH_BYTES = 8;

const encoder = new Encoder({ useBigInt64: true });
/** One for all messages: to make one costs more than to decode a push with it. It keeps nothing of what it has decoded but the bytes. */
const decoder = new Decoder({ useBigInt64: true, maxMapLength: 0, maxExtLength: 0 });

/** Control characters and line breaks: in a log they could forge lines or steer a terminal. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/gu;

/** As much of a text for people as a text field may hold, in one printable line. */
export function clipText(long: string): string {
  const text = long.toWellFormed().replace(UNPRINTABLE, ' ');
  if (Buffer.byteLength(text) <= MAX_TEXT_BYTES) return text;
  return Buffer.from(text)
    .subarray(0, MAX_TEXT_BYTES)
    .toString()
    .replace(/\ufffd+$/, '');
}

export const packList = (list: readonly unknown[]): Uint8Array => encoder.encode(list.map(widen));

/** Numbers of more than 32 bits as the encoder writes integers: of plain numbers it would make floats. */
function widen(item: unknown): unknown {
  if (typeof item === 'number') return item > 0xffff_ffff ? BigInt(item) : item;
  return Array.isArray(item) ? item.map(widen) : item;
}

/**
 * Opens a MessagePack array from another peer. The shape is checked before the decoder allocates anything:
 * a five-byte header may claim four billion elements.
 */
export function unpackList(bytes: Uint8Array): Fields {
  checkShape(bytes);
  let value: unknown;
  try {
    value = decoder.decode(bytes);
  } catch (error) {
    throw new MalformedMessage(error instanceof Error ? error.message : String(error));
  }
  return Fields.of(value);
}

/** Reads the fields of a decoded list one after the other, each checked. Further fields are left for later versions. */
export class Fields {
  readonly #list: readonly unknown[];
  #at = 0;

  private constructor(list: readonly unknown[]) {
    this.#list = list;
  }

  static of(value: unknown): Fields {
    if (!Array.isArray(value)) throw new MalformedMessage('expected a list');
    return new Fields(value);
  }

  get more(): boolean {
    return this.#at < this.#list.length;
  }

  /** Whether the next field is a list. */
  get isAtList(): boolean {
    return Array.isArray(this.#list[this.#at]);
  }

  #next(): unknown {
    if (!this.more) throw new MalformedMessage('a field is missing');
    return this.#list[this.#at++];
  }

  /** An unsigned integer up to 2^53 - 1. */
  uint(): number {
    const value = this.#next();
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (!Number.isSafeInteger(number) || (number as number) < 0)
      throw new MalformedMessage('expected a count');
    return number as number;
  }

  seq(): number {
    const seq = this.uint();
    if (seq === 0) throw new MalformedMessage('a seq of zero');
    return seq;
  }

  stamp(): Stamp {
    const value = this.#next();
    if (typeof value === 'bigint' && value >= 0n) return value as Stamp;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value) as Stamp;
    throw new MalformedMessage('expected a stamp');
  }

  flag(): boolean {
    const value = this.#next();
    if (typeof value !== 'boolean') throw new MalformedMessage('expected a flag');
    return value;
  }

  /** A name, a url, a code: one printable line. */
  text(): string {
    const value = this.#shortText();
    if (value.search(UNPRINTABLE) >= 0) throw new MalformedMessage('a text with control characters');
    return value;
  }

  /** A sentence for people, made printable. */
  reason(): string {
    return clipText(this.#shortText());
  }

  #shortText(): string {
    const value = this.#next();
    if (typeof value !== 'string' || Buffer.byteLength(value) > MAX_TEXT_BYTES)
      throw new MalformedMessage('expected a short text');
    return value;
  }

  /** What `read` makes of the next field, `null` of nil. */
  orNull<T>(read: (fields: this) => T): T | null {
    if (this.#list[this.#at] !== null) return read(this);
    this.#at++;
    return null;
  }

  key(): string {
    const value = this.#next();
    const sound = typeof value === 'string' && value.length > 0 && Buffer.byteLength(value) <= MAX_KEY_BYTES;
    if (!sound || !value.isWellFormed()) throw new MalformedMessage('not a key');
    return value;
  }

  id(): string {
    const value = this.#next();
    if (!isId(value)) throw new MalformedMessage('not an id');
    return value;
  }

  bucket(): BucketName {
    const value = this.#next();
    if (!isBucketName(value)) throw new MalformedMessage('not a bucket name');
    return value;
  }

  bytes(): Uint8Array {
    const value = this.#next();
    if (!(value instanceof Uint8Array)) throw new MalformedMessage('expected bytes');
    return value;
  }

  hash(): Uint8Array {
    return this.#hashOf(HASH_BYTES);
  }

  /** The first bytes of a hash, where a message only says what differs. */
  shortHash(): Uint8Array {
    return this.#hashOf(SHORT_HASH_BYTES);
  }

  #hashOf(length: number): Uint8Array {
    const value = this.bytes();
    if (value.length !== length) throw new MalformedMessage(`expected a hash of ${length} bytes`);
    return value;
  }

  /** A value's bytes; nil is a tombstone. */
  value(): Uint8Array | null {
    return this.orNull((fields) => fields.#json());
  }

  #json(): Uint8Array {
    const value = this.bytes();
    if (value.length === 0 || value.length > MAX_VALUE_BYTES)
      throw new MalformedMessage('a value of a wrong size');
    if (!isJson(value)) throw new MalformedMessage('a value that is not JSON');
    return value;
  }

  list(): Fields {
    return Fields.of(this.#next());
  }

  /** What `read` makes of a list, read again and again until the list is used up; at most `max` times. */
  each<T>(max: number, read: (fields: Fields) => T): T[] {
    const fields = this.list();
    const out: T[] = [];
    while (fields.more) {
      if (out.length === max) throw new MalformedMessage('a list that is too long');
      out.push(read(fields));
    }
    return out;
  }

  /**
   * The same of items that may come only once by name: else one small message could make us answer with many large ones.
   *
   * @param what an item is, for the error
   */
  eachOnce<T>(max: number, what: string, read: (fields: Fields) => T, nameOf: (item: T) => string): T[] {
    const items = this.each(max, read);
    checkOnce(items.map(nameOf), what);
    return items;
  }

  /** Places in a list of at most `max` items, ascending. */
  places(max: number): number[] {
    const places = absolute(this.each(max, (fields) => fields.uint()));
    const rise = places.every((place, i) => i === 0 || place > (places[i - 1] as number));
    if (!rise || (places[places.length - 1] ?? 0) >= max) throw new MalformedMessage('not a list of places');
    return places;
  }

  intervals(): Intervals {
    const set = absolute(this.each(MAX_ELEMENTS, (fields) => fields.uint()));
    if (!isIntervals(set)) throw new MalformedMessage('not a list of intervals');
    return set;
  }

  vector(): VersionVector {
    const fields = this.list();
    const rows = new Map<OriginId, Intervals>();
    while (fields.more) {
      const origin = fields.id() as OriginId;
      const set = fields.intervals();
      if (set.length === 0 || rows.has(origin)) throw new MalformedMessage('not a version vector');
      rows.set(origin, set);
    }
    return new VersionVector(rows);
  }
}

/**
 * Each number but the first as its difference to the one before: an interval list becomes `[lo, length - 1, gap,
 * length - 1, ...]`, small numbers.
 */
export function differences(numbers: readonly number[]): number[] {
  let last = 0;
  return numbers.map((number) => {
    const difference = number - last;
    last = number;
    return difference;
  });
}

/** `[origin, intervals, origin, intervals, ...]`. */
export const vectorToList = (vector: VersionVector): unknown[] =>
  [...vector.entries()].flatMap(([origin, set]) => [origin, differences(set)]);

/** @throws MalformedMessage when two of the names are the same */
export function checkOnce(names: readonly string[], what: string): void {
  if (new Set(names).size < names.length) throw new MalformedMessage(`${what} that is named twice`);
}

function absolute(steps: readonly number[]): number[] {
  let last = 0;
  return steps.map((step) => (last += step));
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(toText(bytes));
    return isUtf8(bytes);
  } catch {
    return false;
  }
}
