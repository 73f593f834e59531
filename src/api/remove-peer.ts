import { toRumeurError } from '../base/errors.js';
import type { PeerService } from './service.js';

/**
 * Removes a peer that will not come back, and lets no tombstone wait for it. One that is unlinked already, or never was a
 * member, has only the other half left to be done.
 * @throws `NOT_FOUND` for a peer that is neither known nor a member
 */
export async function removeForGood(service: PeerService, urlOrId: string): Promise<void> {
  // Both are asked for before either is done: a url is forgotten with its peer.
  const outcomes = await Promise.allSettled([service.evict(urlOrId), service.removePeer(urlOrId)]);
  const errors = outcomes.flatMap((one) => (one.status === 'rejected' ? [toRumeurError(one.reason)] : []));
  const serious = errors.find(({ code }) => code !== 'NOT_FOUND');
  if (serious) throw serious;
  // Both found nobody: that no such peer is known says more than that it is no member.
  const [, unknown] = errors;
  if (unknown) throw unknown;
}
