import { Buffer } from 'node:buffer';

/*
 * The memory that a scan goes through, from the thread that asks for rows to the one that reads them and back. One of them
 * has its turn at any time; who has not waits.
 */

/** A question: a piece of a range that is asked for. */
export interface ScanQuestion {
  /** The least key. */
  readonly start: Buffer;
  /** The first above the last one. */
  readonly end: Buffer;
  readonly reverse: boolean;
  readonly maxRows: number;
}

export interface ScannedRow {
  readonly key: Buffer;
  /** `undefined` for one that is too large for the buffer and is to be read by itself. */
  readonly value: Buffer | undefined;
}

/** The begin of what was asked for, in its order. */
export interface ScanAnswer {
  readonly rows: readonly ScannedRow[];
  /** Whether there are no more. */
  readonly isEnd: boolean;
}

/** Whose turn it is. */
export const Turn = { idle: 0, asked: 1, answered: 2, failed: 3, ended: 4 } as const;
export type Turn = (typeof Turn)[keyof typeof Turn];

/** The numbers before the bytes; each means one thing in a question and may mean another in an answer. */
const AT = { turn: 0, count: 1, flag: 2, first: 3, second: 4 } as const;
const HEADER_BYTES = 64;
/** For rows. A round takes some 100 us, a row 1 us: beyond a few hundred rows a larger one gains nothing. */
const CAPACITY = 256 * 1024;
/** Before each row: the lengths of its key and its value. */
const ROW_HEAD = 8;
/** In the place of a length. */
const TOO_LARGE = 0xffff_ffff;
/** Of a value; larger ones would leave little room for others. */
const LARGEST_VALUE = CAPACITY / 4;

export const newScanMemory = (): SharedArrayBuffer => new SharedArrayBuffer(HEADER_BYTES + CAPACITY);

/** One side's look at the memory. */
export class ScanBuffer {
  readonly #header: Int32Array;
  readonly #bytes: Buffer;

  constructor(memory: SharedArrayBuffer) {
    this.#header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#bytes = Buffer.from(memory, HEADER_BYTES, CAPACITY);
  }

  /** Whose turn it is now; the other side changes it. */
  turn(): Turn {
    return Atomics.load(this.#header, AT.turn) as Turn;
  }

  pass(turn: Turn): void {
    Atomics.store(this.#header, AT.turn, turn);
    Atomics.notify(this.#header, AT.turn);
  }

  /** Passes the turn back, unless the other side has given up waiting for that. */
  reply(turn: Turn): void {
    Atomics.compareExchange(this.#header, AT.turn, Turn.asked, turn);
    Atomics.notify(this.#header, AT.turn);
  }

  /** Blocks the thread until it is no more that turn, or so many milliseconds have passed. */
  waitWhile(turn: Turn, milliseconds = Infinity): void {
    Atomics.wait(this.#header, AT.turn, turn, milliseconds);
  }

  putQuestion({ start, end, reverse, maxRows }: ScanQuestion): void {
    this.#bytes.set(start, 0);
    this.#bytes.set(end, start.length);
    this.#header.set([maxRows, Number(reverse), start.length, end.length], AT.count);
  }

  question(): ScanQuestion {
    const middle = this.#header[AT.first] as number;
    const last = middle + (this.#header[AT.second] as number);
    return {
      start: Buffer.from(this.#bytes.subarray(0, middle)),
      end: Buffer.from(this.#bytes.subarray(middle, last)),
      reverse: this.#header[AT.flag] === 1,
      maxRows: this.#header[AT.count] as number,
    };
  }

  /** Puts as many of the rows as there is room for; at least one. */
  putRows(rows: Iterable<readonly [Buffer, Buffer]>): { readonly count: number; readonly isAll: boolean } {
    let at = 0;
    let count = 0;
    for (const [key, value] of rows) {
      const isSent = value.length <= LARGEST_VALUE;
      if (at + ROW_HEAD + key.length + (isSent ? value.length : 0) > CAPACITY) return { count, isAll: false };
      this.#bytes.writeUInt32LE(key.length, at);
      this.#bytes.writeUInt32LE(isSent ? value.length : TOO_LARGE, at + 4);
      this.#bytes.set(key, at + ROW_HEAD);
      at += ROW_HEAD + key.length;
      if (isSent) this.#bytes.set(value, at);
      if (isSent) at += value.length;
      count++;
    }
    return { count, isAll: true };
  }

  putEnd(count: number, isEnd: boolean): void {
    this.#header[AT.count] = count;
    this.#header[AT.flag] = Number(isEnd);
  }

  answer(): ScanAnswer {
    const rows: ScannedRow[] = [];
    let at = 0;
    for (let left = this.#header[AT.count] as number; left > 0; left--) {
      const keyAt = at + ROW_HEAD;
      const valueAt = keyAt + this.#bytes.readUInt32LE(at);
      const length = this.#bytes.readUInt32LE(at + 4);
      const isSent = length !== TOO_LARGE;
      at = isSent ? valueAt + length : valueAt;
      // Each by itself: whoever keeps one must not keep all of them.
      rows.push({
        key: Buffer.from(this.#bytes.subarray(keyAt, valueAt)),
        value: isSent ? Buffer.from(this.#bytes.subarray(valueAt, at)) : undefined,
      });
    }
    return { rows, isEnd: this.#header[AT.flag] === 1 };
  }

  putText(text: string): void {
    this.#header[AT.first] = this.#bytes.write(text, 'utf8');
  }

  text(): string {
    return this.#bytes.toString('utf8', 0, this.#header[AT.first]);
  }
}
