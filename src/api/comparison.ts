import type { PeerId } from '../base/ids.js';

/** What `verify` is to compare. */
export interface VerifyOptions {
  /** The id or url of a linked peer. Default: each linked peer. */
  readonly peer?: string;
  /** Default: each bucket. */
  readonly bucket?: string;
}

/** What a comparison of one bucket with one peer has come to. */
export interface BucketComparison {
  readonly peer: PeerId;
  /** `null` when it was not heard. */
  readonly name: string | null;
  readonly url: string | null;
  readonly bucket: string;
  /**
   * - `equal`: both cover the same writes and hold the same data.
   * - `lagging`: nothing differs in what both cover, and one of them lacks writes of the other.
   * - `different`: the data differs although both cover the writes. It will be repaired.
   * - `refused`: the bucket is not replicated between the two, see `reason`.
   * - `failed`: the comparison did not come to its end, see `reason`; what it found until then counts.
   */
  readonly result: 'equal' | 'lagging' | 'different' | 'refused' | 'failed';
  readonly reason: string | null;
  /** Writes that the other peer covers and this one lacks, and the other way round; `null` when that is not known. */
  readonly behind: number | null;
  readonly ahead: number | null;
  /** Blocks of 16 writes that differ. */
  readonly blocks: number;
  /** Live writes that only one of the two holds although both cover them. */
  readonly differences: number;
  /** The first 100 of them; at most 1,000 in one answer. */
  readonly examples: readonly DifferentWrite[];
  /** Further ones that differ only, perhaps, because of writes that are on their way. */
  readonly unsettled: number;
  /** Questions asked, bytes both ways, and milliseconds. */
  readonly roundTrips: number;
  readonly bytes: number;
  readonly ms: number;
}

/** A live write that only one of two peers holds although both cover it. */
export interface DifferentWrite {
  readonly key: string;
  /** Of sets: the member that it adds. */
  readonly member?: string;
  readonly dot: string;
  /**
   * - `only-here`: held by this peer, and nothing that replaces it by the other one.
   * - `replaced-there`: held by this peer; the other one holds what replaces it, which this peer covers too.
   * - `only-there`: held by the other peer.
   * - `content`: both hold a write of this identity, with different content.
   */
  readonly where: 'only-here' | 'replaced-there' | 'only-there' | 'content';
}
