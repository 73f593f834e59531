import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../src/base/random.js';
import { filesOf } from '../tools/store.js';
import { straceWords } from '../tools/strace.js';
import { Victim } from '../victim/victim.js';
import { Disk } from './disk.js';

/** How much is recorded: one life of a peer after the other, on one store. */
export interface RecordOptions {
  readonly folder: string;
  readonly storage: string;
  readonly seed: number;
  /** Waves of writes in each life. */
  readonly waves: readonly number[];
  /** Options of Node for the peer. */
  readonly node?: readonly string[];
}

const MOST_WRITES = 24;

/** Lets a peer write, close, die and start again, and records what it does to its disk. */
export async function record({ folder, storage, seed, waves, node = [] }: RecordOptions): Promise<Disk> {
  mkdirSync(folder, { recursive: true });
  const random = Random.fromNumber(seed);
  const directory = join(folder, 'd');
  const acks = join(folder, 'acks');
  const disk = new Disk(folder, acks);
  const paths = [folder, acks, ...filesOf(storage).map((file) => join(directory, file))];
  let n = 0;
  for (const [life, count] of waves.entries()) {
    const output = join(folder, `trace${life}`);
    const victim = new Victim(
      { dataDir: directory, storage, acks },
      straceWords({ output, paths, isWhole: true }),
      {},
      node,
    );
    try {
      const said = await victim.opened();
      if (said?.at !== 'open') throw new Error(`it did not open: ${JSON.stringify(said)} ${victim.log}`);
      for (let wave = 0; wave < count; wave++) {
        const size = random.integer(1, MOST_WRITES);
        const result = await victim.write(n, size);
        if (result?.acked.length !== size) throw new Error(`not all was taken: ${JSON.stringify(result)}`);
        n += size;
      }
      if (life % 2 === 0) {
        await victim.close();
        await victim.ended;
      }
    } finally {
      await victim.kill();
    }
    disk.add(output);
  }
  return disk;
}
