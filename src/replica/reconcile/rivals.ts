import { type Cell, isLive, standing } from '../../data/cell.js';
import { type Dot, isSameDot } from '../../data/dot.js';
import type { Entry } from '../../data/entry.js';
import type { Policy } from '../../data/policy.js';
import type { Stamp } from '../../data/stamp.js';
import { equalBytes } from '../../base/bytes.js';
import { SHORT_HASH_BYTES } from '../../protocol/fields.js';
import type { ListedEntry } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';

/** What a digest or sum is compared by. */
export const shortHash = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, SHORT_HASH_BYTES);

/** The sum of a block without live entries, which has no row. */
export const SUM_OF_NOTHING = new Uint8Array(SHORT_HASH_BYTES);

/**
 * A listed entry in the form that policies judge. Its value and context are not known, which is enough: whether another
 * write supersedes it is decided by its dot and stamp alone.
 */
const asEntry = (item: ListedEntry): Entry => ({ ...item, value: new Uint8Array() });

/** Whether `rival`, another write of the same key, supersedes the listed one. */
export const supersedes = (policy: Policy, rival: Entry, item: ListedEntry): boolean =>
  rival.key === item.key && !isSameDot(rival, item) && !policy.admit([rival], asEntry(item));

/** Whether the listed entry would take the place of a live one, as far as dots and stamps tell. */
export function replacesLive(policy: Policy, cell: Cell, item: ListedEntry): boolean {
  const after = policy.admit(cell, asEntry(item));
  return after !== undefined && cell.some((entry) => isLive(entry) && !after.includes(entry));
}

/** The listed entry, if it stands in the cell as it was listed. */
export function listedIn(cell: Cell, item: ListedEntry): Entry | undefined {
  const entry = standing(cell, item);
  return entry && equalBytes(shortHash(entry.digest), item.digest) ? entry : undefined;
}

/**
 * Whether a write that we cover and do not hold may have been superseded by a tombstone that is gone: then it must not
 * come back. A tombstone is above what it replaces; where the older write supersedes there are none.
 */
export const mayBeBuried = (bucket: Bucket, write: Dot & { readonly stamp: Stamp }): boolean =>
  bucket.policy.superseder === 'newer' &&
  bucket.vector.covers(write) &&
  (bucket.floor.covers(write) || write.stamp <= bucket.droppedUpTo);
