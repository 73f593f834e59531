/** What a victim is told, one JSON document a line on its standard input. */
export type Order =
  /** Writes numbers `from` to `from + count - 1`, all at once, and answers when each is settled or late. */
  | { readonly do: 'write'; readonly from: number; readonly count: number }
  /** Everything that it reads just now. */
  | { readonly do: 'read' }
  | { readonly do: 'status' }
  /** Closes the peer, and ends when that is done. */
  | { readonly do: 'close' };

/** The numbers of a wave of writes, by what became of them. */
export interface Wave {
  readonly acked: readonly number[];
  /** With the codes of their errors. */
  readonly refused: readonly (readonly [n: number, code: string])[];
  /** Not settled within `PATIENCE_MS`. */
  readonly hung: readonly number[];
}

/** What it reads, or with which error it does not. */
export interface Reading {
  readonly values?: readonly (readonly [key: string, n: number])[];
  readonly code?: string;
}

/** A write, a read or a close that is not settled after so long hangs, milliseconds. */
export const PATIENCE_MS = 5000;

export interface VictimOptions {
  readonly dataDir: string;
  readonly storage: string;
  readonly port?: number;
  /** A file into which each acknowledgement and refusal is written when it is given, for traces to see. */
  readonly acks?: string;
}

/** Different keys that victims write. */
export const KEYS = 40;
export const keyOf = (n: number): string => `k${n % KEYS}`;

/** The value of write `n`: its number and filling, so long now and then that it takes pages of its own. */
export function valueOf(n: number): string {
  const length = n % 9 === 0 ? 9000 : n % 5 === 0 ? 1500 : 200;
  return `${n} ${'x'.repeat(length)}`;
}

/** @returns NaN when no victim has written that */
export function numberOf(value: unknown): number {
  const n = typeof value === 'string' ? Number(value.split(' ', 1)[0]) : NaN;
  return Number.isSafeInteger(n) && value === valueOf(n) ? n : NaN;
}

/** The same of the JSON text in a store, which damage may have made anything; `null` is a delete. */
export function numberInText(text: string | null | undefined): number {
  const n = typeof text === 'string' ? Number(/^"(\d+) /.exec(text)?.[1] ?? NaN) : NaN;
  return text === JSON.stringify(valueOf(n)) ? n : NaN;
}
