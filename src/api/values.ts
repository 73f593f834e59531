import { Buffer } from 'node:buffer';
import { toText, utf8 } from '../base/bytes.js';
import { RumeurError } from '../base/errors.js';
import { MAX_KEY_BYTES } from '../protocol/limits.js';
import { checkJson, describe, invalid, tooDeep, tooLarge, type ValueLimits } from './json.js';

export type { ValueLimits } from './json.js';

/** @throws `ARGUMENT_INVALID` for what is no string, `KEY_EMPTY`, `KEY_INVALID` (lone surrogates), `KEY_TOO_LONG` */
export function checkKey(key: unknown, limits: ValueLimits): asserts key is string {
  checkString(key, 'a key');
  if (key === '') throw new RumeurError('KEY_EMPTY', 'a key has at least one character');
  checkKeyPart(key, 'the key', limits);
}

/** The same for a part of a key, such as a prefix: it may be empty. */
export function checkKeyPart(text: unknown, what: string, limits: ValueLimits): asserts text is string {
  checkString(text, what);
  if (!text.isWellFormed()) {
    throw new RumeurError('KEY_INVALID', `${what} holds half of a surrogate pair`, {
      hint: 'keys are well-formed Unicode: a character was cut in two somewhere',
    });
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.keyBytes) {
    const message = `${what} has ${bytes} bytes of UTF-8, the limit is ${limits.keyBytes}`;
    throw new RumeurError('KEY_TOO_LONG', message, {
      hint: limits.keyBytes < MAX_KEY_BYTES ? 'shorten it, or raise limits.keyBytes' : 'shorten it',
    });
  }
}

/** @throws `ARGUMENT_INVALID` */
export function checkString(text: unknown, what: string): asserts text is string {
  if (typeof text === 'string') return;
  throw new RumeurError('ARGUMENT_INVALID', `${what} is a string, not ${describe(text)}`);
}

/**
 * The JSON text of a value, as UTF-8.
 * @throws `VALUE_INVALID`, with the path of the culprit (`$.a[3].b`), for what JSON does not carry exactly or
 * what is nested too deep; `VALUE_TOO_LARGE`
 */
export function encodeValue(value: unknown, limits: ValueLimits): Uint8Array {
  checkJson(value, limits);
  const bytes = utf8(stringify(value));
  if (bytes.length > limits.valueBytes) throw tooLarge(`${bytes.length}`, limits);
  return bytes;
}

/**
 * JSON text that a caller wrote, as UTF-8: nothing of it changes, so every digit survives; only white space
 * around it goes.
 * @throws `ARGUMENT_INVALID` for what is no string, `VALUE_INVALID` for what is not JSON or nested too deep,
 * `VALUE_TOO_LARGE`
 */
export function encodeRaw(text: unknown, limits: ValueLimits): Uint8Array {
  if (typeof text !== 'string') {
    throw new RumeurError('ARGUMENT_INVALID', `a raw value is JSON text in a string, not ${describe(text)}`);
  }
  const json = trimJson(text);
  if (!json.isWellFormed()) {
    throw invalid('the JSON text holds half of a surrogate pair', {
      hint: 'write it as an escape, such as \\ud83d',
    });
  }
  const bytes = utf8(json);
  if (bytes.length > limits.valueBytes) throw tooLarge(`${bytes.length}`, limits);
  // Before the parser, so that nothing depends on how the parser takes deep nesting.
  if (textDepth(json) > limits.valueDepth) throw tooDeep('', limits);
  parse(json);
  return bytes;
}

/** The value of JSON text. @throws `INTERNAL` when a peer has sent us bytes that are no JSON */
export const decodeValue = (bytes: Uint8Array): unknown => parseStored(toText(bytes));

/** The JSON text itself, known to be JSON. @throws `INTERNAL` as `decodeValue` */
export function jsonText(bytes: Uint8Array): string {
  const text = toText(bytes);
  parseStored(text);
  return text;
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    // V8 writes JSON recursively: a very high limits.valueDepth lets through what it has no stack for.
    if (!(cause instanceof RangeError)) throw cause;
    throw invalid('the value is nested deeper than this process can write', { cause });
  }
}

function parse(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw invalid(`the text is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function parseStored(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const hint = 'read it with { raw: true } to see it; set or delete the key to repair it';
    throw new RumeurError('INTERNAL', 'the stored value is not JSON', { hint, cause });
  }
}

/** `trim` would also take what JSON does not allow around a value, such as a byte order mark. */
function trimJson(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isJsonSpace(text.charCodeAt(from))) from++;
  while (to > from && isJsonSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const isJsonSpace = (code: number): boolean =>
  code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** How deep the brackets outside strings go; the text need not be sound. */
function textDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}
