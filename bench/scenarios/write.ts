import { Cluster, WITHIN_MS } from '../process/cluster.js';
import type { Usage } from '../process/driver.js';
import { IN_FLIGHT, inTurns, WARM_UP } from './scenario.js';

/** Sets at one of three peers, until all three hold them. */
export const write = inTurns('write', ['plain', 'flushed', 'committed', 'memory'], (options, { writes }) =>
  Cluster.with(options, 3, async (cluster) => {
    const [writer, ...others] = cluster.peers;
    if (writer === undefined) throw new Error('a cluster without peers');
    await writer.call('write', { prefix: 'u', from: 0, count: WARM_UP, inFlight: IN_FLIGHT });
    await cluster.allHold(WARM_UP);
    const before = await used(cluster);
    const keys = WARM_UP + writes;
    const arrivals = others.map((peer) => peer.call('holds', { keys, withinMs: WITHIN_MS }));
    const load = { prefix: 'w', from: 0, count: writes };
    const { begin, end } = await writer.call('write', { ...load, inFlight: IN_FLIGHT });
    const last = Math.max(end, ...(await Promise.all(arrivals)));
    const after = await used(cluster);
    await Promise.all(others.map((peer) => peer.call('verify', load)));
    return {
      acknowledged: (1000 * writes) / (end - begin),
      replicated: (1000 * writes) / (last - begin),
      // Each byte is counted where it is written and where it is read.
      bytes: (after.wireBytes - before.wireBytes) / 2 / writes,
      cpu: (1000 * (after.cpuMs - before.cpuMs)) / writes,
    };
  }),
);

/** By all peers together. */
async function used(cluster: Cluster): Promise<Usage> {
  const usages = await Promise.all(cluster.peers.map((peer) => peer.call('usage')));
  return {
    cpuMs: usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    wireBytes: usages.reduce((sum, { wireBytes }) => sum + wireBytes, 0),
  };
}
