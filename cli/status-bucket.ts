import { RumeurError } from '../src/base/errors.js';
import type { PeerSync, Status } from '../src/api/service.js';

/** What a status says of one bucket. @throws RumeurError `BUCKET_UNKNOWN` */
export function ofBucket({ heldUntil, ...status }: Status, bucket: string): Status {
  const only = Object.hasOwn(status.buckets, bucket) ? status.buckets[bucket] : undefined;
  if (!only) {
    const hint = `it has: ${Object.keys(status.buckets).join(', ')}`;
    throw new RumeurError('BUCKET_UNKNOWN', `the peer has no bucket ${JSON.stringify(bucket)}`, { hint });
  }
  const until = heldUntil?.[bucket];
  return {
    ...status,
    buckets: { [bucket]: only },
    peers: status.peers.map((peer) => peerIn(peer, bucket)),
    inSync: only.inSync,
    ...(until === undefined ? {} : { heldUntil: { [bucket]: until } }),
  };
}

function peerIn({ refused, ...peer }: PeerSync, bucket: string): PeerSync {
  const lag = peer.buckets[bucket];
  return {
    ...peer,
    behind: lag?.behind ?? 0,
    ahead: lag?.ahead ?? 0,
    buckets: lag ? { [bucket]: lag } : {},
    ...(refused?.includes(bucket) === true ? { refused: [bucket] } : {}),
  };
}
