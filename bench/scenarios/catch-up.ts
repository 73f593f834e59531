import { setTimeout as wait } from 'node:timers/promises';
import { type Arrival, Cluster, WITHIN_MS } from '../process/cluster.js';
import { inTurns, WARM_UP } from './scenario.js';

/** What is still under way when all keys have arrived is part of the price. */
const SETTLE_MS = 500;

/** Memory of a peer that replicates many keys; then a peer that missed some comes back, and an empty one joins. */
export const catchUp = inTurns('catch-up', ['plain', 'flushed'], (options, { keys, missed }) =>
  Cluster.with(options, 3, async (cluster) => {
    const [writer, replica] = cluster.peers;
    if (writer === undefined || replica === undefined) throw new Error('a cluster without peers');
    const warm = Math.min(WARM_UP, Math.floor((keys - missed) / 2));
    await writer.call('load', { prefix: 'w', from: 0, count: warm });
    await cluster.allHold(warm);
    await wait(SETTLE_MS);
    const before = await replica.call('memory');
    const held = keys - missed;
    await writer.call('load', { prefix: 'w', from: warm, count: held - warm });
    await cluster.allHold(held);
    await wait(SETTLE_MS);
    const after = await replica.call('memory');
    const back = await cluster.awayDuring(async () => {
      await writer.call('load', { prefix: 'w', from: held, count: missed });
      await Promise.all([writer, replica].map((peer) => peer.call('holds', { keys, withinMs: WITHIN_MS })));
    });
    const rejoin = await caughtUp(back, keys);
    const join = await caughtUp(await cluster.add(), keys);
    return {
      memory: (after.resident - before.resident) / (held - warm),
      anonymous: (after.anonymous - before.anonymous) / (held - warm),
      rejoin: rejoin.ms,
      rejoinBytes: rejoin.bytes,
      join: join.ms,
      joinBytes: join.bytes,
    };
  }),
);

async function caughtUp(
  { peer, begin, bytesBefore }: Arrival,
  keys: number,
): Promise<{ ms: number; bytes: number }> {
  const end = await peer.call('holds', { keys, withinMs: WITHIN_MS });
  await wait(SETTLE_MS);
  const bytes = (await peer.call('usage')).wireBytes - bytesBefore;
  await peer.call('verify', { prefix: 'w', from: 0, count: keys });
  return { ms: end - begin, bytes };
}
