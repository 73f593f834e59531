/** What all systems write: keys of 16 bytes and about 100 bytes of JSON under each. */
export interface BenchValue {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  /** When it was written, by `now()`; 0 where nobody asks. */
  readonly at: number;
  readonly text: string;
}

export const keyOf = (prefix: string, index: number): string =>
  `${prefix}-${String(index).padStart(14, '0')}`;

export function valueOf(index: number, at = 0): BenchValue {
  const one = hash(index + 1, 2654435761);
  const two = hash(index + 7, 2246822519);
  const name = `user-${String(index).padStart(6, '0')}`;
  return { id: index, name, version: 1, at, text: `${one}${two}${one}${two.slice(2)}` };
}

const hash = (value: number, factor: number): string =>
  (Math.imul(value, factor) >>> 0).toString(16).padStart(8, '0');

/** Milliseconds on the system's monotonic clock, which all processes of one machine share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
