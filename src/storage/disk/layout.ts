import { RumeurError } from '../../base/errors.js';

/*
 * The data file: tables, their keys and rows. All numbers are big-endian, so that keys sort by them.
 *
 * entries     bucket:2 key                    -> 1 kind:1 origin:4 seq:8 stamp:8 digest:16 value
 *                                                a cell of one entry without context
 *                                             or 2 entry...
 *                                                entry: kind:1 origin:4 seq:8 stamp:8 digest:16 length:4 value
 *                                                and, if kind says so, count:4 (origin:4 numbers:4 number:8 ...) ...
 *                                                where origin may be ffffffff and 21 bytes, for one without a number
 * dots        bucket:2 origin:4 seq:8         -> stamp:8 key
 * tombstones  the same, of the tombstones alone
 * ranges      bucket:2 origin:4 level:1 index:8 -> sum:16, and in level 1 (slot:1 sum:16) ... of the blocks in it
 * state       'b' bucket:2                    -> the bucket's name
 *             'o' origin:4                    -> the origin
 *             'v' bucket:2 origin:4           -> the covered intervals, 8 bytes a number
 *             'f' bucket:2 origin:4           -> those of the floor
 *             't' bucket:2                    -> keys:8 hash:16 tombstones:8 droppedUpTo:8
 *             'c' bucket:2                    -> 1, while cells, indexes and sums are to be compared
 *             'd' bucket:2 origin:4 seq:8     -> stamp:8 key, a damage mark
 *             'p' peer                        -> the member's record, MessagePack
 *             'm' name                        -> JSON
 *
 * All rows but those of `entries` end in the CRC-32 of the table's name, the key and what stands before it, 4 bytes.
 *
 * Layouts 1 and 2 had no such checksums. Layout 1 had no `tombstones`, no `ranges`, and in 't' only keys and hash. The first
 * versions of layout 2 had all marks of a bucket in one row, 'd' bucket:2, as JSON without stamps. A store of
 * these layouts is copied into a new one, see `copy.ts`.
 */

/** The number of the layout that this version writes. */
export const LAYOUT = 3;

export const damaged = (what: string, cause?: unknown): RumeurError =>
  new RumeurError('DISK_FAILED', `${what} in the data file is damaged`, {
    hint: 'move the data directory away; the peer fetches everything from the others again',
    ...(cause === undefined ? {} : { cause }),
  });

/** @param path of the file or directory */
export const foreignFile = (path: string): RumeurError =>
  new RumeurError('CONFIG_INVALID', `${path} is in a format that this version does not know`, {
    hint: 'start it with the version that wrote it, or set dataDir to another directory',
  });

export const noStore = (directory: string): RumeurError =>
  new RumeurError('CONFIG_INVALID', `there is no store in ${directory}`, {
    hint: 'name the dataDir of a peer that keeps its data on a disk',
  });
