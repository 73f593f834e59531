import type { ConfigInput } from '../../src/index.js';
import { Cluster } from './peer-process.js';

/** A peer in a process of its own, alone in its cluster, for the suites that take any server of the events. */
export async function openPeerProcess(
  config: Partial<ConfigInput> = {},
): Promise<{ url: string; stop(): Promise<void> }> {
  const cluster = new Cluster();
  const { url } = await cluster.start('alone', { port: 0, log: { level: 'fatal' }, ...config });
  return { url, stop: () => cluster.stop() };
}
