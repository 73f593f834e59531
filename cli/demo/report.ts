import type { PeerProcess } from './peer-process.js';
import type { Observer } from './observer.js';
import { count } from './screen.js';
import { table } from '../table.js';

/** A peer at the end, and since when it had all the time it needed: its start or the last write, whichever is later. */
export interface Outcome {
  readonly peer: PeerProcess;
  readonly countedFrom: number;
  readonly role: string;
}

const HEAD = ['peer', 'keys', 'state hash', 'in sync after', 'pulled', 'pushed to it', 'role'];

/** Keys, hash, time to convergence, and the bytes that came: asked for (pulled), and sent unasked (pushed). */
export function reportOf(outcomes: readonly Outcome[], observer: Observer): string {
  const rows = outcomes.map(({ peer, countedFrom, role }) => {
    const sight = observer.sight(peer);
    if (!sight) throw new Error(`${peer.name} was never seen`);
    const { bytesReceived = 0, deltaBytesReceived = 0 } = sight.counters;
    return [
      peer.name,
      count(sight.keys),
      sight.hash,
      `${(Math.max(0, sight.since - countedFrom) / 1000).toFixed(1)} s`,
      bytes(deltaBytesReceived),
      bytes(bytesReceived - deltaBytesReceived),
      role,
    ];
  });
  return `${table(HEAD, rows)}
In sync after: since the last write, or since the peer's (last) start where that is later.
`;
}

function bytes(size: number): string {
  if (size >= 1e6) return `${(size / 1e6).toFixed(1)} MB`;
  return size >= 1000 ? `${(size / 1000).toFixed(1)} kB` : `${size} B`;
}
