import type { BucketName, LinkId } from '../base/ids.js';
import { Fingerprint } from '../data/fingerprint.js';
import { policyOf } from '../data/policies/all.js';
import type { Policy, PolicyName } from '../data/policy.js';
import { type Stamp, STAMP_ZERO } from '../data/stamp.js';
import { VersionVector } from '../data/version-vector.js';
import type { StoredBucket } from './batch.js';
import { DamageMarks } from './damage-marks.js';
import { Setbacks } from './setbacks.js';

/** Writes from the future that we know of and do not take yet (rule 8). */
export interface HeldBack {
  /** The dots that a peer covers and we leave out for now. */
  readonly dots: VersionVector;
  /** Of those, what we have lost and the peer was asked for by name: it does not have it either. */
  readonly denied: ReadonlySet<string>;
  /** When to ask again, by the wall clock, milliseconds since 1970: that clock may be set right any time. */
  readonly until: number;
}

export interface CountedCells {
  upTo: string;
  keys: number;
  tombstones: number;
}

/** The part of a bucket's state that is kept in memory; entries and the dot index are in the store. */
export interface Bucket {
  readonly name: BucketName;
  readonly policy: Policy;
  readonly vector: VersionVector;
  /** The version vector of what was dropped here: tombstones within it may be gone (rule 11). */
  readonly floor: VersionVector;
  /** Over the digests of the live entries. */
  readonly fingerprint: Fingerprint;
  /** Live keys. */
  keys: number;
  /** Standing tombstones. */
  tombstones: number;
  /** The greatest stamp of a tombstone that was ever dropped here. */
  droppedUpTo: Stamp;
  /** What was lost in damaged rows and has not come back. While there is any nothing is claimed (rule 15). */
  readonly damages: DamageMarks;
  /** While the cells are counted anew: what those up to and with a key come to, as of now. */
  counting: CountedCells | undefined;
  /** The last seq of our origin when the store was opened. */
  ownSeqAtOpen: number;
  /** By link: what one neighbour withholds says nothing about what another one has. */
  readonly held: Map<LinkId, HeldBack>;
  /** When people were last told that there is no room for more origins. */
  crowdedToldAt: number;
  /** Who is asked last. */
  readonly setbacks: Setbacks;
}

export function openBucket(name: BucketName, policy: PolicyName, stored: StoredBucket | undefined): Bucket {
  return {
    name,
    policy: policyOf(policy),
    vector: new VersionVector(stored?.vector),
    floor: new VersionVector(stored?.floor),
    fingerprint: stored ? Fingerprint.fromBytes(stored.hash) : Fingerprint.empty(),
    keys: stored?.keys ?? 0,
    tombstones: stored?.tombstones ?? 0,
    droppedUpTo: stored?.droppedUpTo ?? STAMP_ZERO,
    damages: new DamageMarks(stored?.damages, stored?.isUnsettled),
    counting: undefined,
    ownSeqAtOpen: 0,
    held: new Map(),
    crowdedToldAt: -Infinity,
    setbacks: new Setbacks(),
  };
}

/** Whether something that stood under the key was lost and is not back yet. */
export const isDamaged = ({ damages }: Bucket, key: string): boolean => damages.isUncertain(key);
