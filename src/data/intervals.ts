/**
 * A set of sequence numbers as disjoint, non-touching, ascending intervals in one flat list
 * `[lo, hi, lo, hi, ...]`, both ends included. Lists are never changed in place; where nothing changes a function
 * may return the list it was given.
 */
export type Intervals = readonly number[];

export const NO_INTERVALS: Intervals = [];

/** The greatest number in the set, 0 for the empty one. */
export const highest = (set: Intervals): number => set[set.length - 1] ?? 0;

/** The greatest n such that 1 to n are all in the set. */
export const prefix = (set: Intervals): number => (set[0] === 1 ? (set[1] as number) : 0);

export const equal = (a: Intervals, b: Intervals): boolean =>
  a === b || (a.length === b.length && a.every((bound, i) => bound === b[i]));

export function count(set: Intervals): number {
  let total = 0;
  for (let i = 0; i < set.length; i += 2) total += (set[i + 1] as number) - (set[i] as number) + 1;
  return total;
}

/** The index of the first interval that ends at `n` or above (always even), by binary search. */
function firstEndingAt(set: Intervals, n: number): number {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((set[2 * middle + 1] as number) < n) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

export function has(set: Intervals, n: number): boolean {
  const i = firstEndingAt(set, n);
  return i < set.length && (set[i] as number) <= n;
}

/** The set of strictly ascending numbers, in linear time. */
export function fromAscending(numbers: Iterable<number>): Intervals {
  const out: number[] = [];
  for (const n of numbers) {
    if (out.length > 0 && n === (out[out.length - 1] as number) + 1) out[out.length - 1] = n;
    else out.push(n, n);
  }
  return out;
}

/** The set with lo to hi added. */
export function add(set: Intervals, lo: number, hi: number): Intervals {
  if (set.length === 0) return [lo, hi];
  const last = set.length - 1;
  // The common case: a write follows its predecessor.
  if (lo === (set[last] as number) + 1) return replaceTail(set, hi);
  const from = firstEndingAt(set, lo - 1);
  if (from < set.length && (set[from] as number) <= lo && (set[from + 1] as number) >= hi) return set;
  let to = from;
  let low = lo;
  let high = hi;
  while (to < set.length && (set[to] as number) <= hi + 1) {
    low = Math.min(low, set[to] as number);
    high = Math.max(high, set[to + 1] as number);
    to += 2;
  }
  return set.slice(0, from).concat(low, high, set.slice(to));
}

function replaceTail(set: Intervals, hi: number): Intervals {
  const next = set.slice();
  next[next.length - 1] = hi;
  return next;
}

export function union(a: Intervals, b: Intervals): Intervals {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  if (a.length === 2 || b.length === 2) {
    const [large, small] = a.length >= b.length ? [a, b] : [b, a];
    return add(large, small[0] as number, small[1] as number);
  }
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const takeA = j >= b.length || (i < a.length && (a[i] as number) <= (b[j] as number));
    const lo = (takeA ? a[i] : b[j]) as number;
    const hi = (takeA ? a[i + 1] : b[j + 1]) as number;
    if (takeA) i += 2;
    else j += 2;
    const end = out.length - 1;
    if (end > 0 && lo <= (out[end] as number) + 1) out[end] = Math.max(out[end] as number, hi);
    else out.push(lo, hi);
  }
  return out;
}

/** What is in `a` and not in `b`. */
export function subtract(a: Intervals, b: Intervals): Intervals {
  if (a.length === 0 || b.length === 0) return a;
  const out: number[] = [];
  let j = 0;
  for (let i = 0; i < a.length; i += 2) {
    let lo = a[i] as number;
    const hi = a[i + 1] as number;
    while (j < b.length && (b[j + 1] as number) < lo) j += 2;
    let k = j;
    while (k < b.length && (b[k] as number) <= hi) {
      if ((b[k] as number) > lo) out.push(lo, (b[k] as number) - 1);
      lo = (b[k + 1] as number) + 1;
      k += 2;
    }
    if (lo <= hi) out.push(lo, hi);
  }
  return out;
}

/** What is in both. */
export const intersect = (a: Intervals, b: Intervals): Intervals => subtract(a, subtract(a, b));

/** The part of the set at or above `from`. */
export function atLeast(set: Intervals, from: number): Intervals {
  const i = firstEndingAt(set, from);
  if (i >= set.length) return NO_INTERVALS;
  const out = set.slice(i);
  out[0] = Math.max(out[0] as number, from);
  return out;
}

/** The part of the set at or below `to`. */
export const atMost = (set: Intervals, to: number): Intervals =>
  highest(set) <= to ? set : subtract(set, [to + 1, Number.MAX_SAFE_INTEGER]);

/** Whether a list from outside is a sound interval list: whole, ascending, disjoint, not touching. */
export function isIntervals(list: unknown): list is Intervals {
  if (!Array.isArray(list) || list.length % 2 !== 0) return false;
  let least = 1;
  for (let i = 0; i < list.length; i += 2) {
    const lo: unknown = list[i];
    const hi: unknown = list[i + 1];
    if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi)) return false;
    if ((lo as number) < least || (hi as number) < (lo as number)) return false;
    least = (hi as number) + 2;
  }
  return true;
}

/** The intervals one by one, ascending. */
export function* pairs(set: Intervals): Iterable<readonly [lo: number, hi: number]> {
  for (let i = 0; i < set.length; i += 2) yield [set[i] as number, set[i + 1] as number];
}
