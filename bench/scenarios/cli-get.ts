import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyOf, now } from '../data.js';
import { Cluster } from '../process/cluster.js';
import type { Round, Scenario } from './scenario.js';

const CLI = fileURLToPath(new URL('../../../cli.js', import.meta.url));

/** Pairs of one `get` on the command line and one Node that does nothing. */
export const cliGet: Scenario = {
  name: 'cli-get',
  run: async ({ sizes, freshDir, progress }) => {
    const dataDir = await freshDir();
    return Cluster.with({ variant: 'flushed', dataDir }, 1, async (cluster) => {
      const [peer] = cluster.peers;
      if (peer === undefined) throw new Error('a cluster without peers');
      await peer.call('load', { prefix: 'w', from: 0, count: 1 });
      const config = join(dataDir, 'peer.json');
      await writeFile(config, JSON.stringify({ port: Number(new URL(cluster.urls[0] ?? '').port) }));
      const get = [CLI, config, 'get', keyOf('w', 0)];
      const nothing = ['-e', '0'];
      progress(`cli-get, ${sizes.gets} pairs`);
      // The first of each finds its files not yet in the system's cache.
      await wallTime(get);
      await wallTime(nothing);
      const rounds: Round[] = [];
      for (let pair = 0; pair < sizes.gets; pair++) {
        const first = await wallTime(pair % 2 === 0 ? get : nothing);
        const second = await wallTime(pair % 2 === 0 ? nothing : get);
        const [ours, plain] = pair % 2 === 0 ? [first, second] : [second, first];
        rounds.push({ flushed: { wall: ours }, plain: { wall: plain } });
      }
      return rounds;
    });
  },
};

/** From the start of a Node process to its end, milliseconds. */
async function wallTime(argv: readonly string[]): Promise<number> {
  const begin = now();
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`node ${argv.join(' ')} ended with ${String(code)}`);
  return now() - begin;
}
