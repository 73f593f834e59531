import type { EntryWithoutDigest } from '../../data/entry.js';

/** A question without an answer for this long ends the session, milliseconds. */
export const STALL_MS = 15_000;
/** A comparison that only reports ends after this long, milliseconds: repairs of the bucket wait for it. */
export const VERIFY_MS = 300_000;
/** How often everything is compared in one session, when writes keep coming in. */
export const MAX_PASSES = 3;
/** Blocks in one question of ours. */
export const BLOCKS_ASKED = 1024;
/** Entries in one listing of ours, and what their cells may weigh together: reading them is one turn's work. */
export const ENTRIES_LISTED = 1024;
export const LISTED_WEIGHT = 2 ** 20;
/**
 * An answer ends with the entry that brings its weight to this or above; the asker lists what comes after the entry
 * that it answers again. A part of the protocol: both sides must count alike.
 */
export const ANSWER_WEIGHT = 2 ** 20;

/** Rough size of an entry, the same on both sides: the bytes of its value, and 16 for each interval of its context. */
export const weightOf = ({ value, context }: EntryWithoutDigest): number =>
  (value?.length ?? 0) + 16 * (context?.intervalCount() ?? 0);
