import type { Stamp } from './stamp.js';
import type { VersionVector } from './version-vector.js';

/** What the writer had seen of a key: its write supersedes that and stands beside everything else. */
export interface WriteContext {
  /** Dots of the key, and perhaps of other keys, which do no harm. */
  readonly dots: VersionVector;
  /** The greatest stamp among them: the write must be above it. */
  readonly stamp: Stamp;
}

/** A local operation, as asked for; the policy of its bucket makes the content of a write of it. */
export type LocalOp = PutOp | IncrementOp;

export interface PutOp {
  readonly key: string;
  /** Valid JSON text as UTF-8; `null` deletes. */
  readonly value: Uint8Array | null;
  /** Without one the write has seen what this replica holds. */
  readonly context?: WriteContext;
}

export interface IncrementOp {
  readonly key: string;
  /** A safe integer, negative to decrement. */
  readonly increment: number;
}

/** About what an operation takes in memory while it waits, in bytes. */
export function sizeOfOp(op: LocalOp): number {
  if ('increment' in op) return op.key.length + 8;
  const context = op.context ? 24 * op.context.dots.intervalCount() : 0;
  return op.key.length + (op.value?.length ?? 0) + context;
}
