import type { OriginId } from '../base/ids.js';
import { dotToText } from '../data/dot.js';
import { RANGE_SHIFTS } from '../protocol/ranges.js';
import type { DamageMark, Damages, SumExcess } from './batch.js';
import type { Bucket } from './bucket.js';

const LEVELS = [0, 1, 2] as const;

interface MarkChange {
  readonly mark: DamageMark;
  readonly isSet: boolean;
}

/** What one turn finds out about damage: marks set and cleared, and what sums of blocks hold too much. */
export class DamageChanges {
  /** By dot: of several changes the last one. */
  readonly #marks = new Map<Bucket, Map<string, MarkChange>>();
  /** Blocks whose sums were put right. */
  readonly #corrected = new Set<string>();
  readonly sums: SumExcess[] = [];

  setMark(bucket: Bucket, mark: DamageMark): void {
    const dot = dotToText(mark);
    bucket.damages.set(dot, mark);
    this.#changesOf(bucket).set(dot, { mark, isSet: true });
  }

  /** What is missing there has come, or is waited for no longer. */
  clearMark(bucket: Bucket, mark: DamageMark): void {
    const dot = dotToText(mark);
    bucket.damages.delete(dot);
    this.#changesOf(bucket).set(dot, { mark, isSet: false });
  }

  /** Whether rows may be missing from the bucket that are not marked. */
  setUnsettled(bucket: Bucket, isUnsettled: boolean): void {
    if (isUnsettled) bucket.damages.found++;
    if (bucket.damages.isUnsettled === isUnsettled) return;
    bucket.damages.isUnsettled = isUnsettled;
    if (!isUnsettled) bucket.damages.isBlind = false;
    this.#changesOf(bucket);
  }

  #changesOf(bucket: Bucket): Map<string, MarkChange> {
    let changes = this.#marks.get(bucket);
    if (!changes) this.#marks.set(bucket, (changes = new Map<string, MarkChange>()));
    return changes;
  }

  /**
   * Takes out of the sums of a block of the finest level, of the blocks above it and of the bucket what belongs to no
   * entry that stands in the store. Once for each block: the store shows nothing of this turn yet.
   * @param excess works that out; `undefined` when there is nothing
   */
  correctBlock(bucket: Bucket, origin: OriginId, index: number, excess: () => Uint8Array | undefined): void {
    const place = `${bucket.name} ${origin} ${index}`;
    if (this.#corrected.has(place)) return;
    this.#corrected.add(place);
    const sum = excess();
    if (!sum) return;
    for (const level of LEVELS) {
      const above = 2 ** (RANGE_SHIFTS[level] - RANGE_SHIFTS[0]);
      this.sums.push({ bucket: bucket.name, origin, level, index: Math.floor(index / above), sum });
    }
    bucket.fingerprint.remove(sum);
  }

  rows(): Damages[] {
    return [...this.#marks].map(([{ name, damages }, changes]) => {
      const marks = (wanted: boolean): DamageMark[] =>
        [...changes.values()].filter(({ isSet }) => isSet === wanted).map(({ mark }) => mark);
      return { bucket: name, set: marks(true), cleared: marks(false), isUnsettled: damages.isUnsettled };
    });
  }
}
