/**
 * The dots of an origin in blocks of 2^shift seqs, by level: block `index` of a level holds the seqs from
 * `index * 2^shift`. A block holds 64 of the level below. Peers compare blocks, so this is a part of the protocol.
 */
export const RANGE_SHIFTS = [4, 10, 16] as const;

/** Whether there is such a block: one whose seqs are safe integers. */
export function isBlock(level: number, index: number): boolean {
  const shift = RANGE_SHIFTS[level];
  return shift !== undefined && index >= 0 && index < 2 ** (53 - shift);
}
