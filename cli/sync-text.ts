import type { BucketLag, PeerSync, Status } from '../src/api/service.js';
import { pc } from './colors.js';
import { duration } from './duration.js';
import { type Cell, shownState, table } from './table.js';

/** Whether all are in sync, and how many of the others are connected. */
export function syncLine({ inSync, peers, unmet = [], linksWanted }: Status): string {
  const known = peers.length + unmet.length;
  if (known === 0) return 'alone: no other peer is known';
  const connected = peers.filter(({ state }) => state === 'connected').length;
  const verdict = inSync ? pc.green('in sync') : pc.yellow('not in sync');
  const others = known === 1 ? 'peer' : 'peers';
  if (connected === 0) return `${verdict}, none of ${known} known ${others} connected`;
  return `${verdict}, ${connected} of ${known} other ${others} connected${wantedText(connected, linksWanted)}`;
}

/** In a large cluster, why not all are connected. */
function wantedText(connected: number, wanted: Status['linksWanted']): string {
  if (!wanted) return '';
  const { least, most } = wanted;
  if (connected >= least) return ', and no more links are wanted (gossip.degree)';
  return `; ${least === most ? least : `${least} to ${most}`} links are wanted (gossip.degree)`;
}

/** A table of the others; empty when nobody is known. */
export function peersTable({ peers, unmet = [] }: Status): string {
  if (peers.length + unmet.length === 0) return '';
  const rows: Cell[][] = peers.map((peer) => [
    peer.url ?? '-',
    peer.name ?? '-',
    peer.id,
    shownState(peer.state),
    ...lacksOf(peer),
  ]);
  const strangers: Cell[][] = unmet.map(({ url, state }) => [url, '-', '-', shownState(state), '', '']);
  return table(['peer', 'name', 'id', 'state', 'we lack', 'it lacks'], [...rows, ...strangers]).trimEnd();
}

/** What an old announcement of a peer says that is alive, and needs no link, is nothing to show. */
const isTold = ({ state, traffic, asOf }: PeerSync): boolean =>
  traffic !== undefined || (asOf !== undefined && state !== 'alive');

function lacksOf(peer: PeerSync): [string, string] {
  if (!isTold(peer)) return ['', ''];
  const { behind, ahead, unconfirmed = 0 } = peer;
  if (unconfirmed === 0) return [writes(behind), writes(ahead)];
  return [
    writes(behind),
    ahead === 0 ? atMost(unconfirmed) : `${count(ahead)} to ${writes(ahead + unconfirmed)}`,
  ];
}

/** Who differs from us in which bucket, who does not answer, and with whom a bucket is not replicated at all. */
export function lagLines({ peers }: Status, now: number): string[] {
  return peers.filter(isTold).flatMap((peer) => {
    const name = peer.url ?? peer.id;
    const lags = Object.entries(peer.buckets).map(
      ([bucket, lag]) => `${name}, bucket ${bucket}: ${lagText(lag)}${whenText(peer, lag, now)}`,
    );
    const mismatches = (peer.refused ?? []).map((bucket) =>
      pc.yellow(`${name}, bucket ${bucket}: not replicated, its config gives it another policy`),
    );
    return [...lags, ...silenceLines(name, peer), ...mismatches];
  });
}

function lagText({ behind, ahead }: BucketLag): string {
  return [
    ...(behind > 0 ? [`we lack ${writes(behind)}`] : []),
    ...(ahead > 0 ? [`it lacks ${writes(ahead)}`] : []),
  ].join(', ');
}

function whenText({ asOf }: PeerSync, { since }: BucketLag, now: number): string {
  if (asOf) {
    const ago = `${duration(now - asOf.at)} ago`;
    return asOf.by === 'link' ? `, as of the end of its link ${ago}` : `, as it announced ${ago}`;
  }
  return since === null ? '' : `, since ${duration(now - since)} ago`;
}

function silenceLines(name: string, { unconfirmed = 0, asOf }: PeerSync): string[] {
  if (unconfirmed === 0) return [];
  const silence = asOf ? 'did not answer before its link ended' : 'does not answer';
  return [`${name} ${silence}: ${atMost(unconfirmed)} that were sent may be missing there`];
}

const count = (number: number): string => number.toLocaleString('en-US');

export const writes = (number: number): string =>
  number === 0 ? '-' : `${count(number)} write${number === 1 ? '' : 's'}`;

const atMost = (number: number): string => `up to ${writes(number)}`;
