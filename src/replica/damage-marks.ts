import type { OriginId } from '../base/ids.js';
import { dotToText } from '../data/dot.js';
import { count, has, type Intervals } from '../data/intervals.js';
import type { DamageMark } from './batch.js';

/**
 * What is known to be missing from a bucket (rule 15), by dot, by origin and by key: a bad disk may damage very many
 * rows, and each mark is set and cleared by itself.
 */
export class DamageMarks {
  readonly #byDot = new Map<string, DamageMark>();
  readonly #byOrigin = new Map<OriginId, Map<number, DamageMark>>();
  readonly #byKey = new Map<string, Map<string, DamageMark>>();
  /** The keys of rows that cannot be read: which dots they held is being looked up. With whether what can be read lives. */
  readonly unread = new Map<string, boolean>();
  /** Rows may be missing that nobody has marked yet: cells and indexes are to be compared. Kept over a restart. */
  isUnsettled: boolean;

  /**
   * Begun with rows missing that nobody had marked: of which keys is not known until all has been counted, and a write that
   * replaces what is lost would be made without knowing of it.
   */
  isBlind: boolean;

  /** How often something was found to be missing: tells whether anything was since a moment, be it back or not. */
  found = 0;

  constructor(marks: Iterable<DamageMark> = [], isUnsettled = false) {
    for (const mark of marks) this.set(dotToText(mark), mark);
    this.isUnsettled = this.isBlind = isUnsettled;
  }

  /** While above zero, nothing is claimed for the bucket. */
  get size(): number {
    return this.#byDot.size + this.unread.size + Number(this.isUnsettled);
  }

  has(dot: string): boolean {
    return this.#byDot.has(dot);
  }

  set(dot: string, mark: DamageMark): void {
    this.found++;
    this.#byDot.set(dot, mark);
    partOf(this.#byOrigin, mark.origin).set(mark.seq, mark);
    partOf(this.#byKey, mark.key).set(dot, mark);
  }

  delete(dot: string): void {
    const mark = this.#byDot.get(dot);
    if (!mark) return;
    this.#byDot.delete(dot);
    takeFrom(this.#byOrigin, mark.origin, mark.seq);
    takeFrom(this.#byKey, mark.key, dot);
  }

  values(): IterableIterator<DamageMark> {
    return this.#byDot.values();
  }

  origins(): Iterable<OriginId> {
    return this.#byOrigin.keys();
  }

  /** The marks of an origin whose seqs lie in the set. */
  within(origin: OriginId, set: Intervals): DamageMark[] {
    const marks = this.#byOrigin.get(origin);
    if (!marks) return [];
    // A claim may be of millions of seqs, an entry of one.
    if (count(set) > marks.size) return [...marks.values()].filter(({ seq }) => has(set, seq));
    const found: DamageMark[] = [];
    for (let i = 0; i < set.length; i += 2) {
      for (let seq = set[i] as number; seq <= (set[i + 1] as number); seq++) {
        const mark = marks.get(seq);
        if (mark) found.push(mark);
      }
    }
    return found;
  }

  /** What is missing under a key, as far as it is known. */
  under(key: string): Iterable<DamageMark> {
    return this.#byKey.get(key)?.values() ?? [];
  }

  /** Whether something that stood under the key was lost and is not back yet. */
  isUncertain(key: string): boolean {
    return this.#byKey.has(key) || this.unread.has(key);
  }

  /** The greatest seq of an origin among the marks, 0 when there is none. */
  highest(origin: OriginId): number {
    let greatest = 0;
    for (const seq of this.#byOrigin.get(origin)?.keys() ?? []) greatest = Math.max(greatest, seq);
    return greatest;
  }
}

function partOf<K, L>(parts: Map<K, Map<L, DamageMark>>, name: K): Map<L, DamageMark> {
  let part = parts.get(name);
  if (!part) parts.set(name, (part = new Map<L, DamageMark>()));
  return part;
}

function takeFrom<K, L>(parts: Map<K, Map<L, DamageMark>>, name: K, item: L): void {
  const part = parts.get(name);
  part?.delete(item);
  if (part?.size === 0) parts.delete(name);
}
