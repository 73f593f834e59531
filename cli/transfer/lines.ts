import { Buffer, isUtf8 } from 'node:buffer';

/** A line of the input, counted from 1; `text` is undefined, with the reason, when it cannot be read. */
export interface Line {
  readonly number: number;
  readonly text: string | undefined;
  readonly problem?: string;
}

/** Longer than the line of any value that a peer takes, escapes included. */
export const LONGEST_LINE = 64 * 2 ** 20;
const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Cuts bytes into lines, some at a time, in bounded memory. Only a line feed ends a line (JSON strings may hold
 * the other line separators of Unicode); a carriage return before it goes. Empty lines count and are left out.
 */
export class LineSplitter {
  readonly #longest: number;
  #partial: Uint8Array[] = [];
  #partialBytes = 0;
  #number = 0;

  constructor(longest: number = LONGEST_LINE) {
    this.#longest = longest;
  }

  /** The lines that end in `chunk`. */
  push(chunk: Uint8Array): Line[] {
    const first = chunk.indexOf(NEWLINE);
    if (first < 0) {
      this.#keep(chunk);
      return [];
    }
    this.#keep(chunk.subarray(0, first));
    const lines = this.end();
    const last = chunk.lastIndexOf(NEWLINE);
    if (last > first) this.#decode(chunk.subarray(first + 1, last), lines);
    this.#keep(chunk.subarray(last + 1));
    return lines;
  }

  /** The last line, which need not end in a line feed. */
  end(): Line[] {
    const lines: Line[] = [];
    if (this.#partialBytes > this.#longest) {
      const problem = `longer than ${this.#longest} bytes`;
      lines.push({ number: ++this.#number, text: undefined, problem });
    } else this.#decode(Buffer.concat(this.#partial), lines);
    this.#partial = [];
    this.#partialBytes = 0;
    return lines;
  }

  /** Of a line that is too long only the length is kept. */
  #keep(part: Uint8Array): void {
    this.#partialBytes += part.length;
    if (this.#partialBytes > this.#longest) this.#partial = [];
    else if (part.length > 0) this.#partial.push(part);
  }

  /** Decodes one or more lines at once; line by line only when something is wrong with one of them. */
  #decode(bytes: Uint8Array, into: Line[]): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (isUtf8(buffer)) {
      for (const text of buffer.toString('utf8').split('\n')) this.#add(text, into);
      return;
    }
    for (let from = 0; from <= buffer.length;) {
      const found = buffer.indexOf(NEWLINE, from);
      const to = found < 0 ? buffer.length : found;
      const line = buffer.subarray(from, to);
      if (isUtf8(line)) this.#add(line.toString('utf8'), into);
      else into.push({ number: ++this.#number, text: undefined, problem: 'not UTF-8' });
      from = to + 1;
    }
  }

  #add(raw: string, into: Line[]): void {
    const number = ++this.#number;
    const text = number === 1 && raw.startsWith(BYTE_ORDER_MARK) ? raw.slice(1) : raw;
    if (!/^\s*$/.test(text)) into.push({ number, text: text.endsWith('\r') ? text.slice(0, -1) : text });
  }
}
