import type { BucketName, PeerId } from '../base/ids.js';
import type { VersionVector } from '../data/version-vector.js';
import type { KnownAddress } from '../protocol/address-book.js';
import type { Link } from '../protocol/link.js';
import type { Core } from '../replica/core.js';
import type { Liveness } from '../replica/links/suspicions.js';
import type { Members } from '../replica/members.js';
import type { View } from '../replica/view.js';
import { tombstoneStatus } from '../replica/tombstone-status.js';
import { isInSync } from './distance.js';
import type { BucketStatus, PeerInfo, PeerState, Status } from './service.js';

/** Attempts that may fail before a peer counts as down. */
const DOWN_AFTER = 3;

/** What a replica knows of the peers that there are. */
export interface Health {
  readonly liveness: Liveness;
  /** Whether there are too many to be linked to all. */
  readonly isCrowded: boolean;
  readonly members: Members;
}

/** One row for each peer, linked or remembered. */
export function peersOf(core: Core, links: readonly Link[], health: Health): PeerInfo[] {
  const byId = new Map(links.map((link) => [link.hello?.peer, link]));
  const rows: PeerInfo[] = [];
  const listed = new Set<PeerId>();
  const addresses = [...core.addresses.active()].sort((a, b) => rank(b, byId) - rank(a, byId));
  for (const address of addresses) {
    const { id } = address.record;
    if (id !== undefined && listed.has(id)) continue;
    if (id !== undefined) listed.add(id);
    rows.push(rowOf(address, id === undefined ? undefined : byId.get(id), health));
  }
  for (const link of links) {
    if (!link.hello || listed.has(link.hello.peer)) continue;
    listed.add(link.hello.peer);
    rows.push(dialedUs(link, health));
  }
  // In a crowd the addresses are a sample; the members are all that there are.
  if (health.isCrowded) rows.push(...unlisted(core, listed, health));
  return rows.sort((a, b) => (a.url ?? '').localeCompare(b.url ?? '', 'en', { numeric: true }));
}

/** Of several addresses of one peer the one in use is shown, else the one that people named. */
function rank({ record }: KnownAddress, links: ReadonlyMap<PeerId | undefined, Link>): number {
  const link = record.id === undefined ? undefined : links.get(record.id);
  return (link?.url === record.url ? 2 : 0) + (record.source === 'gossip' ? 0 : 1);
}

function rowOf(address: KnownAddress, link: Link | undefined, health: Health): PeerInfo {
  const { record } = address;
  return {
    url: record.url,
    id: record.id ?? null,
    name: link?.hello?.name ?? record.name ?? null,
    state: link ? linkedState(link, health) : absentState(address, health),
    rttMs: roundTrip(link),
    direction: link?.direction ?? null,
    known: record.source,
  };
}

/** Of a peer that we have been linked to a verdict is reached together with others; else dials tell. */
function absentState({ record: { id }, failures }: KnownAddress, { liveness, isCrowded }: Health): PeerState {
  const doubt = id === undefined ? undefined : doubtOf(id, liveness);
  if (doubt) return doubt;
  if (failures >= DOWN_AFTER) return 'down';
  if (id === undefined) return 'connecting';
  return isCrowded ? 'alive' : 'suspect';
}

function doubtOf(peer: PeerId, liveness: Liveness): 'down' | 'suspect' | undefined {
  if (liveness.isDown(peer)) return 'down';
  return liveness.isSuspect(peer) ? 'suspect' : undefined;
}

const linkedState = ({ hello }: Link, { liveness }: Health): PeerState =>
  hello && liveness.isSuspect(hello.peer) ? 'suspect' : 'connected';

const dialedUs = (link: Link, health: Health): PeerInfo => ({
  url: link.hello?.url ?? null,
  id: link.hello?.peer ?? null,
  name: link.hello?.name ?? null,
  state: linkedState(link, health),
  rttMs: roundTrip(link),
  direction: link.direction,
  known: 'dialed-us',
});

/** Members that we have neither a link to nor the address of. */
function unlisted(core: Core, listed: ReadonlySet<PeerId>, { members, liveness }: Health): PeerInfo[] {
  return members.counted().flatMap(({ peer, name, url }): PeerInfo[] => {
    if (peer === core.self.peer || listed.has(peer) || core.addresses.isRemoved(null, peer)) return [];
    const state = doubtOf(peer, liveness) ?? 'alive';
    return [{ url, id: peer, name, state, rttMs: null, direction: null, known: 'gossip' }];
  });
}

/** What there is beside the peers that were ever met, and how many of them are to be linked to us. */
export function surroundingsOf(
  core: Core,
  links: readonly Link[],
  health: Health & { readonly linksWanted: Status['linksWanted'] },
): Pick<Status, 'unmet' | 'linksWanted'> {
  // Who has dialled us before we found it there.
  const linked = new Set<string | null | undefined>(links.flatMap(({ url, hello }) => [url, hello?.url]));
  const unmet = peersOf(core, links, health).flatMap(({ id, url, state }) =>
    id !== null || url === null || linked.has(url) ? [] : [{ url, state }],
  );
  const { linksWanted } = health;
  return { ...(unmet.length > 0 ? { unmet } : {}), ...(linksWanted ? { linksWanted } : {}) };
}

function roundTrip(link: Link | undefined): number | null {
  const rtt = link?.rttMs ?? null;
  return rtt === null ? null : Math.round(rtt * 100) / 100;
}

/**
 * In sync is who covers the same as every peer it is linked to; who knows others and is linked to none cannot tell, nor
 * can who has stopped, nor whose neighbour does not answer while there is news for it. A bucket that a neighbour has under another policy is not in sync with it, nor is one with rows
 * that wait for repair.
 * @param view what is stored; without one nobody is named that holds tombstones
 */
export function bucketsOf(
  core: Core,
  links: readonly Link[],
  hasStopped: boolean,
  members: Members,
  view: View | undefined,
): Record<string, BucketStatus> {
  const isCutOff = hasStopped || (links.length === 0 && [...core.addresses.active()].length > 0);
  return Object.fromEntries(
    [...core.buckets.values()].map((bucket) => {
      const inSync =
        !isCutOff && bucket.damages.size === 0 && links.every((link) => isInSync(core, bucket, link));
      return [
        bucket.name,
        {
          policy: bucket.policy.name,
          keys: bucket.keys,
          tombstones: bucket.tombstones,
          hash: bucket.fingerprint.toText(),
          vector: intervalsOf(bucket.vector),
          ...(bucket.floor.size > 0 ? { floor: intervalsOf(bucket.floor) } : {}),
          heldBy: view ? tombstoneStatus(view, members, bucket).heldBy : [],
          ...(bucket.damages.size > 0 ? { damaged: bucket.damages.size } : {}),
          inSync,
        },
      ];
    }),
  );
}

function intervalsOf(vector: VersionVector): Record<string, string> {
  const rows = [...vector.entries()].map(([origin, set]) => {
    const parts: string[] = [];
    for (let i = 0; i < set.length; i += 2) parts.push(`${set[i] ?? 0}-${set[i + 1] ?? 0}`);
    return [origin, parts.join(',')] as const;
  });
  return Object.fromEntries(rows);
}

/** Until when writes from the future are held back, milliseconds since 1970, by bucket. */
export function heldOf(core: Core): Record<BucketName, number> {
  const held: Record<BucketName, number> = {};
  for (const { name, held: byLink } of core.buckets.values()) {
    if (byLink.size > 0) held[name] = Math.min(...[...byLink.values()].map(({ until }) => until));
  }
  return held;
}
