import type { Hops } from './stretch.js';

/** What `rumeur simulate` plays through. */
export interface ExperimentOptions {
  readonly peers: number;
  /** Links that a peer has, on average, in a random graph; `mesh`: all are linked to all. */
  readonly degree: number | 'mesh';
  /** How many of them write, drawn by chance. */
  readonly writers: number;
  /** Of 100: how many messages of the broadcast vanish: pushes, haves, grafts and prunes. */
  readonly loss: number;
  /** Of 100: how many peers crash while the writes go on, and come back. */
  readonly crash: number;
  /** How long the cluster is split in two, milliseconds; 0: never. */
  readonly partitionMs: number;
  readonly writes: number;
  readonly seed: number;
}

/** How far a run is. */
export interface ExperimentProgress {
  readonly stage: 'forming' | 'writing' | 'settling';
  /** Of 1, of the whole run, about: how long it takes until all have everything nobody knows. */
  readonly share: number;
  /** Virtual time. */
  readonly virtualMs: number;
}

/** Each field is told in docs/SIMULATOR.md. */
export interface ExperimentResult {
  readonly options: ExperimentOptions;
  /** Links when the cluster had formed. */
  readonly links: number;
  /** From the last write, or the end of the partition when that came later, until all had everything, milliseconds of virtual time. */
  readonly convergenceMs: number | null;
  /** Writes that were made: peers that are down take none. */
  readonly writes: number;
  /** By how many links a write came to a peer. */
  readonly hops: Hops;
  /** Operations that arrived in pushes and deltas over those that were needed, minus 1; 0 is the least. */
  readonly redundancy: number;
  /** The same of writes whose origins had made `TREES_GROW_IN` before: `null` when there are none. */
  readonly grown: { readonly writes: number; readonly redundancy: number | null };
  /** Operations that arrived although they were there already. */
  readonly duplicates: number;
  /** Questions for what did not come, and messages that end the pushes of origins over a link. */
  readonly grafts: number;
  readonly prunes: number;
  /** Of 1: how many came in deltas, because a push was lost or could not come. */
  readonly byDeltas: number;
  /** Sent in all from the first write on; and what would have been sent had each write come to each peer just once. */
  readonly bytes: number;
  readonly leastBytes: number;
  readonly bytesPerPeer: { readonly mean: number; readonly most: number };
  /** Sent from the first write on, by type. */
  readonly messages: Readonly<Record<string, number>>;
  /** Of 1, for each time in milliseconds after a write: how many of the other peers had it, over all writes. */
  readonly spread: readonly { readonly afterMs: number; readonly share: number }[];
  /** Virtual time. */
  readonly virtualMs: number;
}
