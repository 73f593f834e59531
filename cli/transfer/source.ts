import { Buffer } from 'node:buffer';
import type { ValueLimits } from '../../src/api/values.js';
import { RumeurError } from '../../src/base/errors.js';
import { bytesOf, type Format } from './files.js';
import { LineSplitter, type Line } from './lines.js';
import { parseLine, parseObject, type Parsed } from './record.js';

/** Some entries, and how many bytes of the input were read when they were. */
export interface Portion {
  readonly entries: Iterable<Parsed>;
  readonly position: number;
}

/** Reads a file, or stdin, from its beginning. NDJSON in bounded memory, JSON as a whole. */
export async function* portionsOf(
  file: string,
  format: Format,
  limits: ValueLimits,
): AsyncGenerator<Portion> {
  if (format === 'json') {
    const bytes = await wholeOf(file);
    yield { entries: objectEntries(file, bytes, limits), position: bytes.length };
    return;
  }
  const splitter = new LineSplitter();
  let position = 0;
  for await (const chunk of bytesOf(file)) {
    position += chunk.length;
    yield { entries: lineEntries(splitter.push(chunk), limits), position };
  }
  yield { entries: lineEntries(splitter.end(), limits), position };
}

function* lineEntries(lines: readonly Line[], limits: ValueLimits): Generator<Parsed> {
  for (const { number, text, problem } of lines) {
    yield text === undefined ? { number, problem: problem ?? 'unreadable' } : parseLine(number, text, limits);
  }
}

async function wholeOf(file: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytesOf(file)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function objectEntries(file: string, bytes: Uint8Array, limits: ValueLimits): Parsed[] {
  try {
    return parseObject(new TextDecoder('utf-8', { fatal: true }).decode(bytes), limits);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RumeurError('ARGUMENT_INVALID', `${file} is no JSON object of key to value: ${reason}`, {
      cause,
      hint: 'for lines of {"key": ..., "value": ...} add --format ndjson',
    });
  }
}
