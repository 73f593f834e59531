import { pc } from '../colors.js';
import type { Status } from '../../src/api/service.js';
import type { CommandModule } from '../command.js';
import { print, shownName } from '../output.js';
import { shownState, table } from '../table.js';

export const command: CommandModule = {
  usage: {
    arguments: [],
    details: `This peer, its buckets, and the others: whether all are in sync, or who is how many writes behind
whom. Two peers with the same hash of a bucket hold the same data.`,
    examples: ['config1 status', 'config1 status --json'],
  },

  async run({ session }) {
    const client = await session.connect();
    const { value } = await client.call('status', {});
    await print(session.json ? `${JSON.stringify(value)}\n` : statusText(value as Status));
    return undefined;
  },
};

/** A status for people. */
export function statusText(status: Status): string {
  const { id, name, url, version, cluster, storage, durability, uptimeMs, readOnly } = status;
  const lines = [
    `${pc.bold(shownName(name))}  ${url}  ${id}`,
    `cluster ${shownName(cluster)}, version ${version}, storage ${storage}, durability ${durability}, up ${duration(uptimeMs)}`,
    ...(readOnly ? [pc.red('read-only: the disk refused a write; see the log')] : []),
    syncLine(status),
  ];
  const buckets = Object.entries(status.buckets).map(([bucket, { keys, hash, inSync }]) => [
    bucket,
    keys.toLocaleString('en-US'),
    hash,
    { styled: inSync ? pc.green('in sync') : pc.yellow('catching up') },
  ]);
  const text = `${lines.join('\n')}\n\n${table(['bucket', 'keys', 'hash', 'state'], buckets)}`;
  if (status.peers.length === 0) return text;
  const peers = status.peers.map((peer) => [
    peer.url ?? '-',
    peer.id,
    shownState(peer.state),
    writes(peer.behind),
    writes(peer.ahead),
  ]);
  return `${text}\n${table(['peer', 'id', 'state', 'we lack', 'it lacks'], peers)}`;
}

function syncLine({ inSync, peers }: Status): string {
  const connected = peers.filter(({ state }) => state === 'connected').length;
  const others = `${connected} of ${peers.length} other peers connected`;
  if (peers.length === 0) return 'alone: no other peer is known';
  return inSync ? `${pc.green('in sync')}, ${others}` : `${pc.yellow('not in sync')}, ${others}`;
}

const writes = (count: number): string => (count === 0 ? '-' : `${count.toLocaleString('en-US')} writes`);

/** `2 d 3 h`, `5 min`, `12 s`: the two largest units at most. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
