import { dotToText } from '../data/dot.js';
import { type Entry, type EntryWithoutDigest, sealEntry } from '../data/entry.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import type { Turn } from './turn.js';

/** Takes another peer's write that is news, within the horizon, into its cell. The caller covers its dot. */
export function take(core: Core, turn: Turn, bucket: Bucket, op: EntryWithoutDigest | Entry): void {
  const isLate = op.value !== null && op.stamp <= bucket.droppedUpTo && turn.get(bucket, op.key).length === 0;
  turn.apply(bucket, 'digest' in op ? op : sealEntry(op));
  core.clock.observe(op.stamp);
  if (isLate) reportLate(core, turn, bucket, op);
}

/**
 * Rule 12: a write older than tombstones that are gone. Had one of them been for this key, no member knew of the write:
 * it stands, equally everywhere, and people are told.
 */
function reportLate(core: Core, turn: Turn, bucket: Bucket, op: EntryWithoutDigest): void {
  core.counters.lateWrites++;
  turn.note(
    'warn',
    'late-write',
    `an old write of '${op.key}' came late and stands: a delete may have been forgotten`,
    {
      bucket: bucket.name,
      dot: dotToText(op),
    },
  );
}
