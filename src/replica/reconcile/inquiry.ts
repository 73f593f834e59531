import type { OriginId } from '../../base/ids.js';
import { STAMP_ZERO } from '../../data/stamp.js';
import type { ListedEntry } from '../../protocol/messages.js';
import { SUM_OF_NOTHING } from './rivals.js';

/** Stands for the key that is not known. Should there be such a key, what stands under it comes as well, for nothing. */
const NO_KEY = '\u0000';

/**
 * A listed entry that does not stand here: asks what stands under a dot on the other side, which must send another
 * content of it that it holds, under whatever key.
 */
export const inquiryAbout = (origin: OriginId, seq: number): ListedEntry => ({
  origin,
  seq,
  stamp: STAMP_ZERO,
  key: NO_KEY,
  digest: SUM_OF_NOTHING,
});

export const isInquiry = ({ key, stamp }: ListedEntry): boolean => key === NO_KEY && stamp === STAMP_ZERO;
