import { RumeurError } from '../base/errors.js';

/** Bounds of what one write may carry. */
export interface ValueLimits {
  /** UTF-8 bytes of a key. */
  readonly keyBytes: number;
  /** UTF-8 bytes of a value's JSON text. */
  readonly valueBytes: number;
  /** Objects and arrays within each other: 0 for a plain number, 1 for `[]`, 2 for `[[]]`. */
  readonly valueDepth: number;
}

interface Level {
  readonly container: object;
  /** The members' names; `undefined` for an array. */
  readonly names: readonly string[] | undefined;
  readonly size: number;
  /** The member that is being looked at. */
  at: number;
}

/**
 * Refuses what JSON does not carry exactly, what is nested too deep, and what is certainly too large. It keeps
 * its own stack, so that no nesting and no cycle can overflow the process's.
 * @throws `VALUE_INVALID`, `VALUE_TOO_LARGE`
 */
export function checkJson(value: unknown, limits: ValueLimits): void {
  const levels: Level[] = [];
  // A lower bound of the text's size: it ends early what shares its parts so often that its text is endless.
  let size = lookAt(value, levels, limits);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    if (++level.at >= level.size) {
      levels.pop();
      continue;
    }
    size += lookAt(memberOf(level), levels, limits) + (level.names?.[level.at]?.length ?? 0);
    if (size > limits.valueBytes) throw tooLarge(`more than ${limits.valueBytes}`, limits);
  }
}

/** Checks one value and opens it when it has members; returns the least number of characters it takes. */
function lookAt(value: unknown, levels: Level[], limits: ValueLimits): number {
  if (typeof value === 'string') return value.length + 2;
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return 1;
  if (typeof value !== 'object') throw refuse(levels, value);
  const isArray = Array.isArray(value);
  if (!isPlain(value, isArray)) throw refuse(levels, value);
  if (levels.length >= limits.valueDepth) throw tooDeep(whereTooDeep(levels, value), limits);
  const names = isArray ? undefined : Object.keys(value);
  levels.push({ container: value, names, size: names?.length ?? (value as unknown[]).length, at: -1 });
  return 2;
}

const memberOf = ({ container, names, at }: Level): unknown =>
  names === undefined
    ? (container as unknown[])[at]
    : (container as Record<string, unknown>)[names[at] ?? ''];

/** Whether JSON carries all of an object: plain ones (of any realm) and arrays, without a `toJSON` that would speak for them. */
function isPlain(value: object, isArray: boolean): boolean {
  if ('toJSON' in value && typeof value.toJSON === 'function') return false;
  if (isArray) return true;
  return (
    !hasClass(value) && !(Symbol.toStringTag in value) && !(Symbol.iterator in value) && !hasSymbols(value)
  );
}

/** The prototype of plain objects, of whichever realm, has none above it. */
function hasClass(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

const hasSymbols = (value: object): boolean =>
  Object.getOwnPropertySymbols(value).some((symbol) =>
    Object.prototype.propertyIsEnumerable.call(value, symbol),
  );

function refuse(levels: readonly Level[], culprit: unknown): RumeurError {
  const [what, hint] = whyNot(culprit);
  return invalid(`JSON does not carry ${what}, found at ${pathOf(levels)}`, { hint });
}

function whyNot(culprit: unknown): [what: string, hint: string] {
  if (culprit === undefined) return ['undefined', 'write null, or leave the member out'];
  if (typeof culprit === 'bigint')
    return ['a bigint', 'write it as a string, or as JSON text with { raw: true }'];
  if (typeof culprit === 'number') return [String(culprit), 'write null or a string'];
  if (typeof culprit !== 'object' || culprit === null) return [describe(culprit), 'leave it out'];
  if (isBinary(culprit)) return ['binary data', 'write it as text, for example in base64'];
  if ('toJSON' in culprit && !(culprit instanceof Date))
    return ['an object with toJSON', 'write what it returns'];
  if (!hasClass(culprit) && hasSymbols(culprit)) return ['members under symbols', 'name them with strings'];
  const { constructor }: { constructor?: unknown } = culprit;
  const what =
    typeof constructor === 'function' ? `an instance of ${constructor.name}` : 'this kind of object';
  return [what, 'write it as a plain object, an array or a string'];
}

/** A cycle is the likeliest reason for endless nesting, and worth its own word. */
function whereTooDeep(levels: readonly Level[], value: object): string {
  const chain = [...levels.map(({ container }) => container), value];
  const seen = new Set<object>();
  const repeated = chain.findIndex((container) => seen.size === seen.add(container).size);
  return repeated < 0 ? '' : `: it contains itself, at ${pathOf(levels.slice(0, repeated))}`;
}

/** `$.a[3]["odd name"]`, shortened in the middle when it is very long. */
function pathOf(levels: readonly Level[]): string {
  let path = '$';
  for (const { names, at } of levels) path += names === undefined ? `[${at}]` : memberPath(names[at] ?? '');
  return path.length <= 200 ? path : `${path.slice(0, 100)}...${path.slice(-97)}`.toWellFormed();
}

const memberPath = (name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;

const isBinary = (value: unknown): boolean =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Blob;

/** What a thing is, for a message, without showing what it holds. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (isBinary(value)) return 'binary data';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export const invalid = (message: string, options: { hint?: string; cause?: unknown } = {}): RumeurError =>
  new RumeurError('VALUE_INVALID', message, options);

export const tooDeep = (where: string, { valueDepth }: ValueLimits): RumeurError =>
  invalid(`the value is nested deeper than ${valueDepth} levels${where}`, {
    hint: 'flatten it, or spread it over several keys',
  });

export const tooLarge = (found: string, { valueBytes }: ValueLimits): RumeurError =>
  new RumeurError(
    'VALUE_TOO_LARGE',
    `the value has ${found} bytes as JSON text, the limit is ${valueBytes}`,
    {
      hint: 'spread it over several keys, or raise limits.valueBytes on every peer',
    },
  );
