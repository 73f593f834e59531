import type { OriginId } from '../base/ids.js';
import { VersionVector } from '../data/version-vector.js';
import { MAX_ORIGINS } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Bucket } from './bucket.js';
import type { Turn } from './turn.js';

/** Origins that nobody else can take up: our store begins a new one after each crash. */
const OWN_ROOM = 1024;
const MOST_TAKEN = MAX_ORIGINS - OWN_ROOM;
/** People are told of it again after this, milliseconds. */
const TELL_MS = 60_000;

/** Whether writes of an origin of others may come into the vector. */
export const hasRoomFor = (vector: VersionVector, origin: OriginId): boolean =>
  vector.size < MOST_TAKEN || vector.get(origin).length > 0;

/** Of these dots, those of new origins for which the vector has no room. */
export function withoutRoom(vector: VersionVector, more: VersionVector): VersionVector {
  const aside = new VersionVector();
  let room = MOST_TAKEN - vector.size;
  if (more.size <= room) return aside;
  for (const [origin, set] of more.entries())
    if (vector.get(origin).length === 0 && --room < 0) aside.addAll(origin, set);
  return aside;
}

/**
 * What a message brings of which there is no room: it is left aside, and people are told. The sender is not to blame, as
 * any peer may have to begin an origin; who has filled the room is not to be told from others.
 */
export function leaveAside(turn: Turn, link: Link, bucket: Bucket, more: VersionVector): VersionVector {
  const aside = withoutRoom(bucket.vector, more);
  if (aside.size > 0 && turn.now >= bucket.crowdedToldAt + TELL_MS) {
    bucket.crowdedToldAt = turn.now;
    const message = `bucket '${bucket.name}' has no room for writes of more origins: those of new ones are left aside`;
    turn.note('error', 'too-many-origins', message, { peer: link.hello?.peer, origins: bucket.vector.size });
  }
  return aside;
}
