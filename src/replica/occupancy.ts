import type { Link } from '../protocol/link.js';

/** However slow, nobody is judged before this, milliseconds: a large chunk takes long over a poor line. */
const PATIENCE_MS = 20_000;
/** What is slower than this on the whole is slow, bytes a second: an eighth of a line of 64 kbit/s. */
const LEAST_PACE = 1024;
/** However fast, others have their turn after this, milliseconds. */
const TURN_MS = 120_000;

/** What keeps a bucket to itself: a delta or a session with one neighbour. Others wait meanwhile. */
export interface Occupancy {
  readonly link: Link;
  readonly startedAt: number;
  /** Rough bytes of what it has really brought us: what is merely said can be said for ever. */
  readonly taken: number;
}

/**
 * Whether it should make room if others wait. If nobody does it may go on, however slow: an honest neighbour behind a poor
 * line, which we may have to share with other buckets, is better than none.
 */
export function overstays({ startedAt, taken }: Occupancy, now: number): 'slow' | 'long' | undefined {
  const ms = now - startedAt;
  if (ms < PATIENCE_MS) return undefined;
  if (taken * 1000 < LEAST_PACE * ms) return 'slow';
  return ms < TURN_MS ? undefined : 'long';
}
