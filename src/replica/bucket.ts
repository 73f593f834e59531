import type { BucketName, LinkId } from '../base/ids.js';
import { Fingerprint } from '../data/fingerprint.js';
import { type Policy, policyOf, type PolicyName } from '../data/policy.js';
import { VersionVector } from '../data/version-vector.js';
import type { StoredBucket } from './batch.js';

/** Writes from the future that we know of and do not take yet (rule 8). */
export interface HeldBack {
  /** The dots that a peer covers and we leave out for now. */
  readonly dots: VersionVector;
  /** When to ask again, by the wall clock, milliseconds since 1970: that clock may be set right any time. */
  readonly until: number;
}

/** The part of a bucket's state that is kept in memory; entries and the dot index are in the store. */
export interface Bucket {
  readonly name: BucketName;
  readonly policy: Policy;
  readonly vector: VersionVector;
  /** Over the digests of the live entries. */
  readonly fingerprint: Fingerprint;
  /** Live keys. */
  keys: number;
  /** The last seq of our origin when the store was opened. */
  ownSeqAtOpen: number;
  /** By link: what one neighbour withholds says nothing about what another one has. */
  readonly held: Map<LinkId, HeldBack>;
}

export function openBucket(name: BucketName, policy: PolicyName, stored: StoredBucket | undefined): Bucket {
  return {
    name,
    policy: policyOf(policy),
    vector: new VersionVector(stored?.vector),
    fingerprint: stored ? Fingerprint.fromBytes(stored.hash) : Fingerprint.empty(),
    keys: stored?.keys ?? 0,
    ownSeqAtOpen: 0,
    held: new Map(),
  };
}
