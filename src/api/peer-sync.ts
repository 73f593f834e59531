import type { PeerId } from '../base/ids.js';
import { stampMillis } from '../data/stamp.js';
import type { VersionVector } from '../data/version-vector.js';
import type { Link } from '../protocol/link.js';
import { isEvicted } from '../protocol/members.js';
import type { Bucket } from '../replica/bucket.js';
import type { Core } from '../replica/core.js';
import type { Partings } from '../replica/links/partings.js';
import { unconfirmedOn } from '../replica/links/unconfirmed.js';
import { aheadOf, behindOf } from './distance.js';
import type { BucketLag, PeerInfo, PeerSync } from './service.js';
import { type Health, peersOf } from './status.js';

/** What is known of peers that there is no link to. */
export interface Memory {
  readonly partings: Pick<Partings, 'of'>;
}

/** What can be told of how far a peer is from us. */
type Distance = Pick<PeerSync, 'buckets' | 'refused' | 'traffic' | 'unconfirmed' | 'asOf'>;

/** How far each known peer is from us, in operations; one without a link as far as it was last known to be. */
export function syncOf(core: Core, links: readonly Link[], health: Health & Memory): PeerSync[] {
  const byId = new Map(links.map((link) => [link.hello?.peer, link]));
  return peersOf(core, links, health).flatMap(({ id, url, name, state }: PeerInfo) => {
    if (id === null) return [];
    const link = byId.get(id);
    const { buckets, ...more } = link ? linkedDistance(core, link) : lastDistance(core, id, health);
    const lags = Object.values(buckets);
    const behind = lags.reduce((sum, lag) => sum + lag.behind, 0);
    const ahead = lags.reduce((sum, lag) => sum + lag.ahead, 0);
    return [{ id, url, name, state, behind, ahead, buckets, ...more }];
  });
}

function linkedDistance(core: Core, link: Link): Distance {
  return {
    buckets: lagsOf(core, link),
    ...unconfirmedIn(unconfirmedOn(core, link)),
    ...(link.refused.size > 0 ? { refused: [...link.refused] } : {}),
    traffic: { ...link.traffic },
  };
}

const unconfirmedIn = (unconfirmed: number): Pick<PeerSync, 'unconfirmed'> =>
  unconfirmed > 0 ? { unconfirmed } : {};

/** The buckets in which we and the other side differ, of those that are replicated between us. */
function lagsOf(core: Core, link: Link): Record<string, BucketLag> {
  const lags: [string, BucketLag][] = [];
  for (const bucket of core.buckets.values()) {
    if (link.refused.has(bucket.name)) continue;
    const lag = { behind: behindOf(bucket, link), ahead: aheadOf(bucket, link) };
    const since = link.apartSince.get(bucket.name) ?? null;
    if (lag.behind + lag.ahead > 0) lags.push([bucket.name, { ...lag, since }]);
  }
  return Object.fromEntries(lags);
}

/**
 * Of a peer that is away, what it had when its link ended or what it has announced, whichever is later. Nobody waits for
 * one that was evicted; of others that never announced anything nothing is known.
 */
function lastDistance(core: Core, peer: PeerId, { members, partings }: Health & Memory): Distance {
  const record = members.get(peer);
  if (record && isEvicted(record)) return { buckets: {} };
  const parting = partings.of(peer);
  const announced = record && { at: stampMillis(record.number), vectors: new Map(record.vectors) };
  const isByLink = parting !== undefined && parting.at >= (announced?.at ?? 0) && parting.vectors.size > 0;
  const last = isByLink ? parting : announced;
  if (!last) return { buckets: {} };
  // A bucket that it says nothing of is not in its config.
  const lags = [...core.buckets.values()].flatMap((bucket): [string, BucketLag][] => {
    const vector = last.vectors.get(bucket.name);
    const lag = vector ? apart(bucket, vector) : { behind: 0, ahead: 0 };
    return lag.behind + lag.ahead > 0 ? [[bucket.name, { ...lag, since: last.at }]] : [];
  });
  return {
    buckets: Object.fromEntries(lags),
    ...(isByLink ? unconfirmedIn(parting.unconfirmed) : {}),
    asOf: { at: last.at, by: isByLink ? 'link' : 'announcement' },
  };
}

const apart = ({ vector }: Bucket, other: VersionVector): Pick<BucketLag, 'behind' | 'ahead'> => ({
  behind: other.minus(vector).count(),
  ahead: vector.minus(other).count(),
});
