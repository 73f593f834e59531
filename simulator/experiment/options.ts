/** What `rumeur simulate` plays through. */
export interface ExperimentOptions {
  readonly peers: number;
  /** Links that a peer has, on average. */
  readonly degree: number;
  /** Of 100: how many pushes vanish. */
  readonly loss: number;
  /** Of 100: how many peers crash while the writes go on, and come back. */
  readonly crash: number;
  /** How long the cluster is split in two, milliseconds; 0: never. */
  readonly partitionMs: number;
  readonly writes: number;
  readonly seed: number;
}

export interface ExperimentResult {
  readonly options: ExperimentOptions;
  /** Links when the cluster had formed. */
  readonly links: number;
  /** From the last write, or the end of the partition when that came later, until all had everything, milliseconds of virtual time. */
  readonly convergenceMs: number | null;
  /** Writes that were made: peers that are down take none. */
  readonly writes: number;
  /** By how many links a write came to a peer. */
  readonly hops: { readonly mean: number; readonly most: number };
  /** How often a pushed write came to a peer, for each time that it was news; 1 is the least. */
  readonly redundancy: number;
  /** Of 100: how many came in deltas, because a push was lost or could not come. */
  readonly byDeltas: number;
  readonly bytesPerPeer: { readonly mean: number; readonly most: number };
  readonly messages: Readonly<Record<string, number>>;
  /** Of 1, for each time in milliseconds after a write: how many of the other peers had it, over all writes. */
  readonly spread: readonly { readonly afterMs: number; readonly share: number }[];
  /** Virtual time, and how often faster than it the machine was. */
  readonly virtualMs: number;
}
