/**
 * JSON as it was written. JavaScript's own parser rounds numbers and keeps only the last of two members with
 * one name; here the text itself is looked at, so that nothing of it is lost. Iterative: depth costs no stack.
 */
export interface JsonText {
  /** The same text without white space between its tokens. */
  readonly compact: string;
  /** The first number that is not written as JavaScript would write it (`1.10`, `1e5`, too many digits). */
  readonly inexact: string | undefined;
  /** The first name that occurs twice in one object. */
  readonly duplicate: string | undefined;
  /** When the text is an object: its members as they stand, twice named ones too, with values as compact text. */
  readonly members: readonly (readonly [name: string, value: string])[] | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** White space, and the rest of a literal after its first character. */
const SPACE = /[ \t\n\r]+/y;
const LITERAL = /[^,:[\]{}\s"]+/y;

/** @throws SyntaxError when `text` is not JSON */
export function scanJson(text: string): JsonText {
  JSON.parse(text);
  return new Scanner(text).scan();
}

/** Walks text that is known to be JSON. */
class Scanner {
  readonly #text: string;
  /** For each open container: the names so far of an object, `undefined` for an array. */
  readonly #open: (Set<string> | undefined)[] = [];
  readonly #members: (readonly [name: string, value: string])[] = [];
  #at = 0;
  #compact = '';
  /** Where the part of the text begins that is not yet in `#compact`. */
  #copied = 0;
  #nameNext = false;
  #lastName = '';
  #inexact: string | undefined;
  #duplicate: string | undefined;
  /** The member of the outermost object that is being read: its name, and its value as far as it is copied. */
  #member: { readonly name: string; value: string } | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): JsonText {
    while (this.#at < this.#text.length) this.#token(this.#text.charAt(this.#at));
    this.#copy();
    const isObject = this.#compact.startsWith('{');
    return {
      compact: this.#compact,
      inexact: this.#inexact,
      duplicate: this.#duplicate,
      members: isObject ? this.#members : undefined,
    };
  }

  #token(first: string): void {
    if (first === '{' || first === '[') {
      this.#open.push(first === '{' ? new Set() : undefined);
      this.#nameNext = first === '{';
      this.#at++;
    } else if (first === '}' || first === ']') {
      this.#endMember();
      this.#open.pop();
      this.#nameNext = false;
      this.#at++;
    } else if (first === ',') {
      this.#endMember();
      this.#nameNext = this.#open.at(-1) !== undefined;
      this.#at++;
    } else if (first === ':') {
      this.#at++;
      if (this.#member === undefined && this.#open.length === 1) this.#beginMember();
    } else if (first === '"') this.#string();
    else if (/\s/.test(first)) this.#space();
    else this.#literal();
  }

  #copy(): void {
    const part = this.#text.slice(this.#copied, this.#at);
    this.#compact += part;
    if (this.#member !== undefined) this.#member.value += part;
    this.#copied = this.#at;
  }

  #space(): void {
    this.#copy();
    this.#at = endOf(SPACE, this.#text, this.#at);
    this.#copied = this.#at;
  }

  #literal(): void {
    const from = this.#at;
    this.#at = endOf(LITERAL, this.#text, from);
    const literal = this.#text.slice(from, this.#at);
    if (/^[-\d]/.test(literal) && String(Number(literal)) !== literal) this.#inexact ??= literal;
  }

  #string(): void {
    const from = this.#at;
    this.#at = endOfString(this.#text, from);
    if (!this.#nameNext) return;
    this.#nameNext = false;
    const name = JSON.parse(this.#text.slice(from, this.#at)) as string;
    const names = this.#open.at(-1);
    if (names?.has(name)) this.#duplicate ??= name;
    names?.add(name);
    if (this.#open.length === 1) this.#lastName = name;
  }

  #beginMember(): void {
    this.#copy();
    this.#member = { name: this.#lastName, value: '' };
  }

  #endMember(): void {
    if (this.#member === undefined || this.#open.length !== 1) return;
    this.#copy();
    this.#members.push([this.#member.name, this.#member.value]);
    this.#member = undefined;
  }
}

function endOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  pattern.test(text);
  return pattern.lastIndex;
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
}

/** `text` without needless white space, when JavaScript could read it without losing anything; else `undefined`. */
export function exactJson(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // What comes back the same has lost nothing; this is the quick way, taken by nearly everything.
  if (roundTrip(value) === text) return text;
  const { compact, inexact, duplicate } = scanJson(text);
  return inexact === undefined && duplicate === undefined ? compact : undefined;
}

/** `undefined` where V8, which writes JSON recursively, has no stack for the nesting. */
export function roundTrip(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
