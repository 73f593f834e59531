import { MOST_INTERVALS } from '../data/policies/causal.js';

/** The protocol versions that this build speaks, lowest and highest. */
export const PROTOCOL_MIN = 3;
export const PROTOCOL_MAX = 3;

/** Bounds of everything that comes from another peer. A peer's own `limits` only ever lower what it writes itself. */
export const MAX_MESSAGE_BYTES = 17 * 2 ** 20;
export const MAX_VALUE_BYTES = 8 * 2 ** 20;
export const MAX_KEY_BYTES = 1024;
/** Text fields: names, urls, reasons. */
export const MAX_TEXT_BYTES = 1024;
export const MAX_BUCKETS = 1024;
export const MAX_ADDRESSES = 1024;
/** Addresses in one `shuffle` or `shuffled`. */
export const MAX_SHUFFLED = 16;
/** Elements of all lists of one message together: bounds what decoding allocates, version vectors above all. */
export const MAX_ELEMENTS = 2 ** 20;
/** Operations in one message. */
export const MAX_OPERATIONS = 2 ** 16;
/** Intervals, over all origins, of one context. */
export const MAX_CONTEXT_INTERVALS = MOST_INTERVALS;
/** Blocks of dots in one `compare`. */
export const MAX_BLOCKS = 4096;
/** Entries in one `listing`. */
export const MAX_LISTED = 4096;
/** Member records in one message. */
export const MAX_MEMBERS = 4096;
/** Origins in one member record. */
export const MAX_MEMBER_ORIGINS = 16;
/** Message nesting, with room for later versions: message > records > vectors > vector > set. */
export const MAX_DEPTH = 6;

/** Operations are packed into messages of about this size; a single large value makes a larger one. */
export const TARGET_FRAME_BYTES = 64 * 2 ** 10;

/** Hops that a push counts at most: what MessagePack writes in one byte. */
export const MAX_HOPS = 127;
/** Writes of one origin that one `graft` asks for. */
export const MAX_GRAFT_DOTS = 256;
/** A value that is larger than this is announced, and pushed only to those who ask for it. */
export const EAGER_VALUE_BYTES = 64 * 2 ** 10;

/** A receiver acknowledges bytes whenever this many have come in since its last acknowledgement. */
export const ACK_EVERY_BYTES = 256 * 2 ** 10;
/** A sender with more unacknowledged bytes than this on a link stops pushing there; anti-entropy repairs it. */
export const PUSH_WINDOW_BYTES = 4 * 2 ** 20;
/** Chunks of a delta that may be under way before the receiver's next credit. */
export const DELTA_WINDOW_CHUNKS = 8;
/** Intervals, over all origins, that a delta of exact dots may leave a bucket with before it is ended. */
export const MAX_EXACT_INTERVALS = 4096;
/** Lost entries that one `deltaRequest` names. */
export const MAX_MISSING = 1024;
/** Origins in one version vector; a store begins a new one after each crash. */
export const MAX_ORIGINS = 2 ** 16;
