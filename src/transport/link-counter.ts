import type { LinkId } from '../base/ids.js';

/** Link ids 1, 2, 3 and so on. */
export function linkCounter(): () => LinkId {
  let last = 0;
  return () => ++last as LinkId;
}
