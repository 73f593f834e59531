/**
 * A hybrid logical clock reading (Kulkarni et al., "Logical Physical Clocks", 2014): 48 bits of
 * milliseconds since 1970 and a 16-bit counter, as one unsigned 64-bit number. Sixteen hex digits as text.
 */
export type Stamp = bigint & { readonly __brand: 'Stamp' };

export const STAMP_ZERO = 0n as Stamp;
const MAX_MILLIS = 2 ** 48 - 1;

/** The least stamp of a millisecond; out-of-range clocks are clamped. */
export function stampAt(millis: number, counter = 0): Stamp {
  const clamped = Math.min(Math.max(0, Math.floor(millis)), MAX_MILLIS);
  return ((BigInt(clamped) << 16n) | BigInt(counter)) as Stamp;
}

export const stampMillis = (stamp: Stamp): number => Number(stamp >> 16n);

export const stampToText = (stamp: Stamp): string => stamp.toString(16).padStart(16, '0');

export function stampFromText(text: string): Stamp | undefined {
  return /^[0-9a-f]{16}$/.test(text) ? (BigInt(`0x${text}`) as Stamp) : undefined;
}

/** The next stamp after `last` at physical time `now`; the counter's overflow carries into the milliseconds. */
export function nextStamp(last: Stamp, now: number): Stamp {
  const physical = stampAt(now);
  return physical > last ? physical : ((last + 1n) as Stamp);
}
