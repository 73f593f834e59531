import type { OriginId } from '../base/ids.js';

/** Names one write of a bucket for ever: the message ID by which duplicates are recognised. */
export interface Dot {
  readonly origin: OriginId;
  /** 1, 2, 3, ... for each origin and bucket. */
  readonly seq: number;
}

export const isSameDot = (a: Dot, b: Dot): boolean => a.seq === b.seq && a.origin === b.origin;

/** `origin.seq`. */
export const dotToText = (dot: Dot): string => `${dot.origin}.${dot.seq}`;
