import { pc } from '../colors.js';
import type { Status } from '../../src/api/service.js';
import type { CommandModule } from '../command.js';
import { gossipLines } from '../gossip-text.js';
import { print, shownName } from '../output.js';
import { shownState, table } from '../table.js';

export const command: CommandModule = {
  usage: {
    arguments: [],
    details: `This peer, its buckets, and the others: whether all are in sync, or who is how many writes behind
whom, in which bucket and since when; who has to hear of deletes before they can be forgotten; and how writes of
others came here: over how many links, how often in vain, and how many bytes it took.
Two peers with the same hash of a bucket hold the same data.`,
    examples: ['config1 status', 'config1 status --json'],
  },

  async run({ session }) {
    const client = await session.connect();
    const { value } = await client.call('status', {});
    await print(session.json ? `${JSON.stringify(value)}\n` : statusText(value as Status));
    return undefined;
  },
};

/** A status for people. @param now milliseconds since 1970 */
export function statusText(status: Status, now = Date.now()): string {
  const { id, name, url, version, cluster, storage, durability, uptimeMs } = status;
  const lines = [
    `${pc.bold(shownName(name))}  ${url}  ${id}`,
    `cluster ${shownName(cluster)}, version ${version}, storage ${storage}, durability ${durability}, up ${duration(uptimeMs)}`,
    ...diskLines(status, now),
    syncLine(status),
  ];
  const buckets = Object.entries(status.buckets).map(([bucket, { policy, keys, hash, inSync }]) => [
    bucket,
    policy,
    keys.toLocaleString('en-US'),
    hash,
    { styled: inSync ? pc.green('in sync') : pc.yellow('catching up') },
  ]);
  const parts = [lines.join('\n'), table(['bucket', 'policy', 'keys', 'hash', 'state'], buckets).trimEnd()];
  if (status.peers.length > 0) {
    const peers = status.peers.map((peer) => [
      peer.url ?? '-',
      peer.id,
      shownState(peer.state),
      writes(peer.behind),
      writes(peer.ahead),
    ]);
    parts.push(table(['peer', 'id', 'state', 'we lack', 'it lacks'], peers).trimEnd());
  }
  const remarks = [...lagLines(status, now), ...bucketLines(status, now)];
  if (remarks.length > 0) parts.push(remarks.join('\n'));
  const gossip = gossipLines(status.counters);
  if (gossip.length > 0) parts.push(gossip.join('\n'));
  return `${parts.join('\n\n')}\n`;
}

/** Why nothing can be written, and what the store takes on its disk. */
function diskLines({ readOnly, disk }: Status, now: number): string[] {
  const lines: string[] = [];
  if (disk?.message !== undefined) {
    const ago = disk.since === undefined ? '' : ` for ${duration(now - disk.since)}`;
    lines.push(pc.red(`read-only${ago}, ${disk.code ?? ''}: ${disk.message}`));
  } else if (readOnly) {
    lines.push(pc.red('read-only: see the log'));
  }
  if (!disk) return lines;
  const { fileBytes, liveBytes, freeBytes, damagedRows } = disk;
  const damaged = damagedRows > 0 ? pc.red(`, ${damagedRows.toLocaleString('en-US')} damaged rows`) : '';
  lines.push(`disk ${size(fileBytes)}, live ${size(liveBytes)}, free ${size(freeBytes)}${damaged}`);
  return lines;
}

/** `28 KiB`, `1.5 GiB`. */
function size(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const scaled = bytes / 1024 ** power;
  return `${scaled < 10 && power > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${['bytes', 'KiB', 'MiB', 'GiB', 'TiB'][power] ?? ''}`;
}

/** Who differs from us in which bucket, and with whom a bucket is not replicated at all. */
function lagLines({ peers }: Status, now: number): string[] {
  return peers.flatMap(({ id, url, buckets, refused = [] }) => {
    const peer = url ?? id;
    const lags = Object.entries(buckets).map(([bucket, { behind, ahead, since }]) => {
      const lacks = [
        ...(behind > 0 ? [`we lack ${writes(behind)}`] : []),
        ...(ahead > 0 ? [`it lacks ${writes(ahead)}`] : []),
      ].join(', ');
      const ago = since === null ? '' : `, since ${duration(now - since)} ago`;
      return `${peer}, bucket ${bucket}: ${lacks}${ago}`;
    });
    const mismatches = refused.map((bucket) =>
      pc.yellow(`${peer}, bucket ${bucket}: not replicated, its config gives it another policy`),
    );
    return [...lags, ...mismatches];
  });
}

/** What stands in a bucket that people may want to do something about. */
function bucketLines({ buckets }: Status, now: number): string[] {
  return Object.entries(buckets).flatMap(([bucket, { tombstones, heldBy, damaged }]) => {
    const lines: string[] = [];
    if (damaged !== undefined)
      lines.push(pc.red(`bucket ${bucket}: ${writes(damaged)} in damaged rows, awaited from other peers`));
    if (tombstones > 0) {
      const deleted = `bucket ${bucket}: ${tombstones.toLocaleString('en-US')} deleted ${tombstones === 1 ? 'key is' : 'keys are'} remembered`;
      const waiting = heldBy.map(
        ({ peer, name, since }) =>
          ` until ${shownName(name)} (${peer}) has them, last heard of ${duration(now - since)} ago`,
      );
      lines.push(deleted + waiting.join(',\n  and'));
    }
    return lines;
  });
}

function syncLine({ inSync, peers }: Status): string {
  const connected = peers.filter(({ state }) => state === 'connected').length;
  const others = `${connected} of ${peers.length} other peers connected`;
  if (peers.length === 0) return 'alone: no other peer is known';
  return inSync ? `${pc.green('in sync')}, ${others}` : `${pc.yellow('not in sync')}, ${others}`;
}

const writes = (count: number): string =>
  count === 0 ? '-' : `${count.toLocaleString('en-US')} write${count === 1 ? '' : 's'}`;

/** `2 d 3 h`, `5 min`, `12 s`: the two largest units at most. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
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
