/** Names a peer across restarts: who talks. */
export type PeerId = string & { readonly __brand: 'PeerId' };
/** Names one store's numbering of its own writes: who writes. A restored, copied or crashed store gets a new one. */
export type OriginId = string & { readonly __brand: 'OriginId' };
/** One run of a peer's process. */
export type SessionId = string & { readonly __brand: 'SessionId' };
export type BucketName = string & { readonly __brand: 'BucketName' };
/** A link's number within one process; never on the wire. */
export type LinkId = number & { readonly __brand: 'LinkId' };

export const DEFAULT_BUCKET = 'default' as BucketName;

/** The length of a nanoid: 126 random bits in a URL-safe alphabet. */
export const ID_LENGTH = 21;
const ID = /^[A-Za-z0-9_-]{21}$/;
const BUCKET = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Whether `text` has the form of a peer id, origin or session. */
export const isId = (text: unknown): text is string => typeof text === 'string' && ID.test(text);

/** Bucket names: 1 to 64 of `a-z 0-9 _ -`, not starting with a sign. */
export const isBucketName = (text: unknown): text is BucketName =>
  typeof text === 'string' && BUCKET.test(text);
