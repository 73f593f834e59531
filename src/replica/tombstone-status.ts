import type { PeerId } from '../base/ids.js';
import { stampMillis } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';
import type { MemberRecord } from '../protocol/members.js';
import type { Bucket } from './bucket.js';
import type { Members } from './members.js';
import type { View } from './view.js';

/** Members that are named at most. */
const MAX_NAMED = 8;
/** Ranges of dots in which a tombstone is looked for at most, over all members: a few milliseconds. */
const MAX_RANGES = 10_000;

/** A member and when it last announced itself, by its own clock, milliseconds since 1970. */
export interface Holder {
  readonly peer: PeerId;
  readonly name: string;
  readonly since: number;
}

/** Why the tombstones of a bucket still stand; both lists name the longest silent first, 8 at most. */
export interface TombstoneStatus {
  readonly standing: number;
  /** Members, perhaps ourselves, that have not announced some of the tombstones that stand here. */
  readonly heldBy: readonly Holder[];
  /** Members that have announced writes which we lack, and how many: until we have them nothing is dropped. */
  readonly gaps: readonly (Holder & { readonly operations: number })[];
}

/** For people: reads the store, and outside of turns too. */
export function tombstoneStatus(view: View, members: Members, bucket: Bucket): TombstoneStatus {
  const heldBy: Holder[] = [];
  const gaps: (Holder & { operations: number })[] = [];
  const standing = bucket.tombstones;
  if (standing === 0) return { standing, heldBy, gaps };
  const announced = [...members.announced(bucket.name)].sort(([a], [b]) => (a.number < b.number ? -1 : 1));
  const budget = { ranges: MAX_RANGES };
  for (const [record, vector] of announced) {
    const operations = vector.minus(bucket.vector).count();
    if (operations > 0 && gaps.length < MAX_NAMED) gaps.push({ ...holder(record), operations });
    const isNamed = heldBy.length < MAX_NAMED;
    if (isNamed && hasTombstone(view, bucket, bucket.vector.minus(vector), budget))
      heldBy.push(holder(record));
  }
  return { standing, heldBy, gaps };
}

const holder = ({ peer, name, number }: MemberRecord): Holder => ({ peer, name, since: stampMillis(number) });

/** Whether a tombstone of one of these dots stands; beyond the budget it is taken for granted. */
function hasTombstone(view: View, bucket: Bucket, dots: VersionVector, budget: { ranges: number }): boolean {
  for (const [origin, set] of dots.entries()) {
    for (let i = 0; i < set.length; i += 2) {
      if (budget.ranges-- <= 0) return true;
      const [first] = view.tombstones(bucket.name, origin, set[i] as number, set[i + 1] as number);
      if (first) return true;
    }
  }
  return false;
}
