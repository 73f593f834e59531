import { RumeurError } from '../../base/errors.js';
import { describe, invalid } from '../json.js';
import { didYouMean, quote } from '../suggest.js';
import { Attachments } from './codec.js';
import { MAX_PAGE_ROWS } from './limits.js';

/** Everything that an options object may hold; each event says which of them it knows. */
export interface Options {
  readonly bucket?: string;
  /** Values travel as JSON text in strings, with every digit. */
  readonly raw?: boolean;
  readonly prefix?: string;
  readonly after?: string;
  readonly limit?: number;
  /** All values that stand side by side, instead of the greatest. */
  readonly siblings?: boolean;
  /** What the writer has seen, as a `get` with `siblings` answered it. */
  readonly context?: string;
  /** The peer will not come back: no tombstone waits for it. */
  readonly evict?: boolean;
  /** The url or id of a peer. */
  readonly peer?: string;
}

type OptionName = keyof Options;

/** How an event is called: the names of its arguments, and the options that may follow them. */
export interface Signature {
  readonly name: string;
  readonly args: readonly string[];
  /** A last argument that may be left out; it is never an object. */
  readonly optional?: string;
  readonly options: readonly OptionName[];
}

export interface Call {
  /** As many as the signature names, not yet checked; the optional one is `undefined` when it was left out. */
  readonly args: readonly unknown[];
  readonly options: Options;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';

const OPTION_TYPES: Record<OptionName, { expected: string; accepts: (value: unknown) => boolean }> = {
  bucket: { expected: 'a string', accepts: isText },
  raw: { expected: 'true or false', accepts: isFlag },
  prefix: { expected: 'a string', accepts: isText },
  after: { expected: 'a string', accepts: isText },
  siblings: { expected: 'true or false', accepts: isFlag },
  context: { expected: 'a string', accepts: isText },
  evict: { expected: 'true or false', accepts: isFlag },
  peer: { expected: 'a string', accepts: isText },
  limit: {
    expected: `a whole number from 1 to ${MAX_PAGE_ROWS}`,
    accepts: (value) =>
      Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_PAGE_ROWS,
  },
};

/** @throws `ARGUMENT_INVALID` saying what was expected; `VALUE_INVALID` for binary data where a value belongs */
export function parseCall(signature: Signature, given: readonly unknown[]): Call {
  const { args } = signature;
  refuseAttachments(signature, given[0]);
  const hasOptional = signature.optional !== undefined && isNoObject(given[args.length]);
  const taken = args.length + (hasOptional ? 1 : 0);
  if (given.length < args.length || given.length > taken + 1) {
    throw misused(
      signature,
      `it came with ${given.length === 0 ? 'no' : given.length} argument${given.length === 1 ? '' : 's'}`,
    );
  }
  return { args: given.slice(0, taken), options: parseOptions(signature, given[taken]) };
}

/** `get(key, options?)` */
export function usage({ name, args, optional }: Signature): string {
  const words = [...args, ...(optional === undefined ? [] : [`${optional}?`]), 'options?'];
  return `${name}(${words.join(', ')})`;
}

const isNoObject = (value: unknown): boolean =>
  value !== undefined && (typeof value !== 'object' || value === null);

const misused = (signature: Signature, what: string, hint?: string): RumeurError =>
  new RumeurError(
    'ARGUMENT_INVALID',
    `expected ${usage(signature)}, but ${what}`,
    hint === undefined ? {} : { hint },
  );

function refuseAttachments(signature: Signature, first: unknown): void {
  if (!(first instanceof Attachments)) return;
  const what = `it came with ${first.count} binary attachment${first.count === 1 ? '' : 's'}`;
  const hint = 'no event takes binary data: write it as text, for example in base64';
  if (!signature.args.some((arg) => arg.includes('value'))) throw misused(signature, what, hint);
  throw invalid(`a value is JSON, but ${what}`, { hint });
}

function parseOptions(signature: Signature, given: unknown): Options {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw misused(
      signature,
      `options is ${describe(given)}`,
      'after the arguments comes an object, or nothing',
    );
  }
  for (const [name, value] of Object.entries(given)) checkOption(signature, name, value);
  return given;
}

function checkOption(signature: Signature, name: string, value: unknown): void {
  const known = signature.options.find((option) => option === name);
  if (known === undefined) {
    const names =
      signature.options.length === 0 ? 'it takes none' : `it takes ${signature.options.join(', ')}`;
    throw misused(signature, `there is no option ${quote(name)}`, didYouMean(name, signature.options, names));
  }
  const { expected, accepts } = OPTION_TYPES[known];
  if (!accepts(value)) throw misused(signature, `option ${name} is ${shown(value)}, not ${expected}`);
}

const shown = (value: unknown): string => (typeof value === 'number' ? String(value) : describe(value));
