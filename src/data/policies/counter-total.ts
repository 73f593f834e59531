import { toText, utf8 } from '../../base/bytes.js';
import { isId, type OriginId } from '../../base/ids.js';
import { type Cell, isLive } from '../cell.js';
import type { Entry } from '../entry.js';

/**
 * What one write of a counter says. As JSON: `[total, base]`, with a third item when something was taken over:
 * `[[origin, seq, total], ...]`.
 */
export interface CounterTotal {
  /** All that the write's origin has counted under the key. */
  readonly total: number;
  /** What of it was counted before the store was opened. */
  readonly base: number;
  /** What former origins of this store had counted, when they were found to be used by another store as well. */
  readonly takenOver: readonly OriginTotal[];
}

/** What an origin has counted under the key up to `seq`. */
export interface OriginTotal {
  readonly origin: OriginId;
  readonly seq: number;
  readonly total: number;
}

const ZERO: CounterTotal = { total: 0, base: 0, takenOver: [] };
/** Far above what a store takes over that was restored a hundred times; longer ones are not worth parsing. */
const LONGEST = 16_384;

export const formatTotal = ({ total, base, takenOver }: CounterTotal): Uint8Array =>
  utf8(
    JSON.stringify(
      takenOver.length === 0
        ? [total, base]
        : [total, base, takenOver.map((former) => [former.origin, former.seq, former.total])],
    ),
  );

/** Values come from peers too: what is not a total counts as 0, everywhere alike. */
export function parseTotal(value: Uint8Array): CounterTotal {
  const list = value.length > LONGEST ? undefined : parseJson(value);
  if (!Array.isArray(list) || list.length < 2 || list.length > 3) return ZERO;
  const [total, base, formers = []] = list as unknown[];
  if (!isSafe(total) || !isSafe(base) || !Array.isArray(formers)) return ZERO;
  const takenOver: OriginTotal[] = [];
  for (const former of formers as unknown[]) {
    const read = readFormer(former);
    if (!read) return ZERO;
    takenOver.push(read);
  }
  return { total, base, takenOver };
}

function readFormer(item: unknown): OriginTotal | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const [origin, seq, total] = item as unknown[];
  if (!isId(origin) || !isSafe(seq) || !isSafe(total)) return undefined;
  return { origin: origin as OriginId, seq, total };
}

const isSafe = (item: unknown): item is number => Number.isSafeInteger(item);

function parseJson(value: Uint8Array): unknown {
  try {
    return JSON.parse(toText(value));
  } catch {
    // Not a total, which is all that one needs to know of it.
    return undefined;
  }
}

export const totalIn = (entry: Entry | undefined): CounterTotal =>
  entry?.value ? parseTotal(entry.value) : ZERO;

/** The sum over the origins, each with the latest total of it that any write names. */
export function exactSum(cell: Cell): bigint {
  const latest = new Map<OriginId, OriginTotal>();
  for (const entry of cell.filter(isLive)) {
    const { total, takenOver } = totalIn(entry);
    for (const named of [{ origin: entry.origin, seq: entry.seq, total }, ...takenOver]) {
      const known = latest.get(named.origin);
      if (!known || isLater(named, known)) latest.set(named.origin, named);
    }
  }
  let sum = 0n;
  for (const { total } of latest.values()) sum += BigInt(total);
  return sum;
}

/** Two stores restored from copies of one may have taken over the same; with forged ones the greater total counts. */
const isLater = (a: OriginTotal, b: OriginTotal): boolean =>
  a.seq > b.seq || (a.seq === b.seq && a.total > b.total);
