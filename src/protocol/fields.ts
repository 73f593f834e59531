import { Decoder, Encoder } from '@msgpack/msgpack';
import { Buffer, isUtf8 } from 'node:buffer';
import { toText } from '../base/bytes.js';
import { isBucketName, isId, type BucketName, type OriginId } from '../base/ids.js';
import { type Intervals, isIntervals } from '../data/intervals.js';
import type { Stamp } from '../data/stamp.js';
import { VersionVector } from '../data/version-vector.js';
import { MAX_DEPTH, MAX_ELEMENTS, MAX_KEY_BYTES, MAX_TEXT_BYTES, MAX_VALUE_BYTES } from './limits.js';

/** A message that breaks the protocol. The link it came on is closed with this reason. */
export class MalformedMessage extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'MalformedMessage';
  }
}

const encoder = new Encoder({ useBigInt64: true });

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
    value = new Decoder({ useBigInt64: true, maxMapLength: 0, maxExtLength: 0 }).decode(bytes);
  } catch (error) {
    throw new MalformedMessage(error instanceof Error ? error.message : String(error));
  }
  return Fields.of(value);
}

/**
 * Walks the MessagePack headers: only nil, booleans, unsigned integers, valid UTF-8, bytes and arrays; bounded depth and
 * length.
 */
function checkShape(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const open: number[] = [];
  let budget = Math.min(bytes.length, MAX_ELEMENTS);
  let at = 0;
  do {
    if (at >= bytes.length) throw new MalformedMessage('truncated');
    const header = readHeader(view, at);
    if (header.text > 0 && !isUtf8(bytes.subarray(at + header.size - header.text, at + header.size))) {
      throw new MalformedMessage('a text that is not UTF-8');
    }
    at += header.size;
    if (open.length > 0) open[open.length - 1] = (open[open.length - 1] as number) - 1;
    if (header.elements > 0) {
      budget -= header.elements;
      if (budget < 0 || open.length >= MAX_DEPTH) throw new MalformedMessage('nested too deep or too long');
      open.push(header.elements);
    }
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
  } while (open.length > 0);
  if (at !== bytes.length) throw new MalformedMessage('wrong length');
}

/** One MessagePack item: its bytes (of a list only the header), how many of them are text, how many elements follow. */
interface Header {
  readonly size: number;
  readonly text: number;
  readonly elements: number;
}

const plain = (size: number): Header => ({ size, text: 0, elements: 0 });
const textOf = (header: number, text: number): Header => ({ size: header + text, text, elements: 0 });
const listOf = (size: number, elements: number): Header => ({ size, text: 0, elements });

function readHeader(view: DataView, at: number): Header {
  const tag = view.getUint8(at);
  if (tag <= 0x7f || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return plain(1);
  if (tag >= 0xa0 && tag <= 0xbf) return textOf(1, tag & 0x1f);
  if (tag >= 0x90 && tag <= 0x9f) return listOf(1, tag & 0x0f);
  try {
    switch (tag) {
      case 0xc4:
        return plain(2 + view.getUint8(at + 1));
      case 0xc5:
        return plain(3 + view.getUint16(at + 1));
      case 0xc6:
        return plain(5 + view.getUint32(at + 1));
      case 0xd9:
        return textOf(2, view.getUint8(at + 1));
      case 0xda:
        return textOf(3, view.getUint16(at + 1));
      case 0xdb:
        return textOf(5, view.getUint32(at + 1));
      case 0xcc:
        return plain(2);
      case 0xcd:
        return plain(3);
      case 0xce:
        return plain(5);
      case 0xcf:
        return plain(9);
      case 0xdc:
        return listOf(3, view.getUint16(at + 1));
      case 0xdd:
        return listOf(5, view.getUint32(at + 1));
    }
  } catch {
    throw new MalformedMessage('truncated');
  }
  throw new MalformedMessage(`unexpected MessagePack type 0x${tag.toString(16)}`);
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

  textOrNull(): string | null {
    if (this.#list[this.#at] !== null) return this.text();
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
    const value = this.bytes();
    if (value.length !== 16) throw new MalformedMessage('expected a hash of 16 bytes');
    return value;
  }

  /** A value's bytes; nil is a tombstone. */
  value(): Uint8Array | null {
    if (this.#list[this.#at] === null) {
      this.#at++;
      return null;
    }
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

/** `[lo, length - 1, gap, length - 1, ...]`: differences, as they are small. */
export function intervalsToList(set: Intervals): number[] {
  let last = 0;
  return set.map((bound) => {
    const difference = bound - last;
    last = bound;
    return difference;
  });
}

/** `[origin, intervals, origin, intervals, ...]`. */
export const vectorToList = (vector: VersionVector): unknown[] =>
  [...vector.entries()].flatMap(([origin, set]) => [origin, intervalsToList(set)]);

function absolute(differences: readonly number[]): number[] {
  let last = 0;
  return differences.map((difference) => (last += difference));
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(toText(bytes));
    return isUtf8(bytes);
  } catch {
    return false;
  }
}
