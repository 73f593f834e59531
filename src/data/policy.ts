import type { OriginId } from '../base/ids.js';
import type { Cell } from './cell.js';
import type { Entry, EntryWithoutDigest } from './entry.js';
import type { LocalOp } from './op.js';
import type { Stamp } from './stamp.js';
import type { VersionVector } from './version-vector.js';

/** The conflict policies that a config may name, one module each. */
export const POLICIES = ['lww', 'fww', 'siblings', 'counter', 'set'] as const;
export type PolicyName = (typeof POLICIES)[number];

/**
 * A key holds a set of writes, and its bucket's policy says which of them stand. Pure; and whatever order writes come
 * in, however often, the same ones stand in the end.
 */
export interface Policy {
  readonly name: PolicyName;
  /** Which of two writes supersedes the other, if one does: always the newer or always the older, by the order of writes. */
  readonly superseder: 'newer' | 'older';
  /** Where several writes may stand: whether these, of one origin, are more under one key than a sound peer writes. */
  areTooMany?(writes: readonly EntryWithoutDigest[]): boolean;
  /** The cell once `next` has come, ascending; `undefined` when `next` is superseded by what stands, or stands already. */
  admit(cell: Cell, next: Entry): Cell | undefined;
  /**
   * The content of the write that `op` makes; `undefined` when there is nothing to write.
   * @throws RumeurError `POLICY`, `EXISTS`, `VALUE_INVALID`
   */
  prepare(cell: Cell, op: LocalOp, writer: WriterState): Content | undefined;
  /** The content under which a write of a burnt origin is written again under a new one, its old self taken out. */
  renew(entry: Entry, writer: WriterState): Content;
}

/** Who writes. */
export interface WriterState {
  readonly origin: OriginId;
  /** The first seq that this origin gave away since the store was opened. */
  readonly firstSeq: number;
  /** What the replica covers in this bucket. */
  readonly vector: VersionVector;
  /** The greatest stamp of a tombstone that was dropped in this bucket: others may still hold it. */
  readonly droppedUpTo: Stamp;
}

/** What a write says, before it gets its dot and stamp. */
export interface Content {
  /** JSON text as UTF-8; `null` is a tombstone. */
  readonly value: Uint8Array | null;
  /** The dots that it supersedes, and all that those superseded (rule 16); only under policies that need it. */
  readonly context?: VersionVector;
  /** The greatest stamp of what it replaces: its own must be above it. */
  readonly above?: Stamp;
}
