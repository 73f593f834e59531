/** How a probe of a store ends that has not died of it; Node itself uses 1 to 13. */
export const PROBE_EXITS = {
  /** The store says so itself, or the state in it does not make sense. */
  damaged: 40,
  /** It can be read, but so many rows of the indexes are damaged that they are better made anew. */
  manyDamagedRows: 41,
  /** The disk or the machine: nothing is known of the store. */
  failed: 42,
} as const;
