/** A question without an answer for this long ends the session, milliseconds. */
export const STALL_MS = 15_000;
/** A comparison that only reports ends after this long, milliseconds: somebody waits for it. */
export const VERIFY_MS = 300_000;
/** What a question and its answer count for beside their bytes, bytes: over a long way small ones take their time too. */
export const ROUND_TRIP_WORTH = 4096;
/** How often everything is compared in one session, when writes keep coming in. */
export const MAX_PASSES = 3;
/** Blocks in one question of ours. */
export const BLOCKS_ASKED = 1024;
/** Entries in one listing of ours, and rough bytes of their cells: reading them is one turn's work. */
export const ENTRIES_LISTED = 1024;
export const LISTED_BYTES = 2 ** 20;
/** An answer of ours ends with the entry that brings it to this many rough bytes: it has to fit into a message. */
export const ANSWER_BYTES = 2 ** 20;
/** An answer of ours ends when this was read for it: then it is somebody else's turn. */
export const JUDGED_BYTES = 8 * 2 ** 20;
