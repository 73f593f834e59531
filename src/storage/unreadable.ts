import type { OriginId } from '../base/ids.js';
import type { Cell } from '../data/cell.js';
import type { Entry } from '../data/entry.js';
import { STAMP_ZERO } from '../data/stamp.js';

const NO_DIGEST = new Uint8Array(0);

/** What a row that makes no sense is read as: one entry that says nothing, with an empty digest. */
export const unreadableCell = (key: string): Cell => [
  { key, origin: '' as OriginId, seq: 0, stamp: STAMP_ZERO, value: null, digest: NO_DIGEST },
];

/**
 * Whether the entry has no digest. Such a one counts in no sum. As part of what stood `before` a put it may also name, by
 * its dot, a row of the dot index that is to go although no entry belongs to it.
 */
export const isUnreadable = ({ digest }: Entry): boolean => digest.length === 0;
