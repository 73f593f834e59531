/** What peers have counted, all together. */
export type Counts = Readonly<Record<string, number>>;

export function sumOf(all: readonly Counts[]): Counts {
  const sum: Record<string, number> = {};
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

export const minus = (later: Counts, earlier: Counts): Counts =>
  Object.fromEntries(Object.entries(later).map(([name, count]) => [name, count - (earlier[name] ?? 0)]));

/** What a write costs a cluster of peers that are all linked to each other. */
export interface Cost {
  readonly writes: number;
  /** Pushed operations that came, for each one that had to: 1 is the least. */
  readonly redundancy: number;
  /** Pushed operations that were no news, for each write. */
  readonly duplicates: number;
  /** Messages for each write. */
  readonly haves: number;
  readonly grafts: number;
  readonly prunes: number;
  /** Entries that came by anti-entropy, for each write. */
  readonly byDeltas: number;
  /** Payload bytes on all links, for each write. */
  readonly bytes: number;
}

export function costOf(counts: Counts, peers: number): Cost {
  const writes = counts['writes'] ?? 0;
  const each = (name: string): number => (writes === 0 ? NaN : (counts[name] ?? 0) / writes);
  return {
    writes,
    redundancy: each('pushesReceived') / (peers - 1),
    duplicates: each('pushesDuplicate'),
    haves: each('havesSent'),
    grafts: each('graftsSent'),
    prunes: each('prunesSent'),
    byDeltas: each('deltaEntriesReceived'),
    bytes: each('bytesSent'),
  };
}

/** How many links join so many peers in a mesh. */
export const linksOf = (peers: number): number => (peers * (peers - 1)) / 2;
