import { pc } from '../colors.js';
import type { Status } from '../../src/api/service.js';
import type { CommandModule } from '../command.js';
import { duration } from '../duration.js';
import { gossipLines } from '../gossip-text.js';
import { print, shownName } from '../output.js';
import { ofBucket } from '../status-bucket.js';
import { lagLines, peersTable, syncLine, writes } from '../sync-text.js';
import { shownSize } from '../sizes.js';
import { table } from '../table.js';

export const command: CommandModule = {
  usage: {
    arguments: [],
    details: `This peer, its buckets, and the others: whether all are in sync, or who is how many writes behind
whom, in which bucket and since when; who has to hear of deletes before they can be forgotten; and how writes
came and went: over how many links, how often in vain, and how many bytes it took. Of a peer without a link it tells how
far it was when that ended, or when it last announced what it has. Two peers with the same hash of a bucket hold the same
data. --bucket leaves out what is about others.`,
    examples: ['config1 status', 'config1 status --bucket orders', 'config1 status --json'],
  },

  async run({ session }) {
    const client = await session.connect();
    const { value } = await client.call('status', {});
    const { bucket } = session.options;
    const status = bucket === undefined ? (value as Status) : ofBucket(value as Status, bucket);
    await print(session.json ? `${JSON.stringify(status)}\n` : statusText(status));
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
  const peers = peersTable(status);
  if (peers !== '') parts.push(peers);
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
  lines.push(
    `disk ${shownSize(fileBytes)}, live ${shownSize(liveBytes)}, free ${shownSize(freeBytes)}${damaged}`,
  );
  if (disk.aside !== undefined)
    lines.push(pc.red(`a store that could not be read was moved to ${disk.aside}`));
  return lines;
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
          ` until ${shownName(name)} (${peer}) has ${tombstones === 1 ? 'it' : 'them'}, last heard of ${duration(now - since)} ago`,
      );
      lines.push(deleted + waiting.join(',\n  and'));
    }
    return lines;
  });
}
