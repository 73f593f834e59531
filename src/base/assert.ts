/** Throws when an invariant of ours does not hold: a bug, never the fault of an input. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
