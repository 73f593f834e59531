import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../../src/base/random.js';
import { pause } from '../../e2e/chaos/clients.js';
import { emptied } from '../../e2e/chaos/emptied.js';
import type { Place } from '../../e2e/chaos/field.js';
import { eventually } from '../../tools/eventually.js';
import { IMPORTED, type World } from './world.js';

const PATIENCE_MS = 20_000;
const IMPORTED_KEYS = 3000;

/** Tells a peer to leave by `process.exit`, without closing anything. */
export const EXIT_SIGNAL = 'SIGUSR2';
export const EXIT_ENVIRONMENT = {
  NODE_OPTIONS: `--import=data:text/javascript,process.on('${EXIT_SIGNAL}',()=>process.exit(0))`,
};

/** One way of ending a peer's process; when it resolves, the process is gone and its store lies there. */
export interface Moment {
  readonly name: string;
  /** How often, relative to the others. */
  readonly weight: number;
  /** @returns what is to be done once the peer runs again */
  strike(world: World, place: Place, random: Random): Promise<Aftermath | undefined>;
}

type Aftermath = () => Promise<void>;

async function end(world: World, place: Place, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  await place.peer.kill(signal);
  world.unanswered.ended(place.number);
}

export const MOMENTS: readonly Moment[] = [
  {
    name: 'under load',
    weight: 8,
    strike: async (world, place, random) => {
      await pause(random.integer(20, 300));
      await end(world, place);
      return undefined;
    },
  },
  {
    name: 'exit without close',
    weight: 3,
    strike: async (world, place, random) => {
      await pause(random.integer(20, 200));
      await end(world, place, EXIT_SIGNAL);
      return undefined;
    },
  },
  {
    name: 'while it starts',
    weight: 4,
    strike: async (world, place, random) => {
      await end(world, place);
      // Before, while and after it opens its store.
      const starting = place.peer.start().catch(() => undefined);
      await pause(random.integer(50, 500));
      await end(world, place);
      await starting;
      return undefined;
    },
  },
  { name: 'in its first sync', weight: 2, strike: firstSync },
  { name: 'in an import', weight: 2, strike: whileImporting },
];

/** A peer that has lost its disk fetches everything, and is killed meanwhile. */
async function firstSync(world: World, place: Place, random: Random): Promise<Aftermath> {
  const { peer } = place;
  const old = peer.id;
  await emptied(world.field, place);
  await end(world, place);
  rmSync(peer.dataDir, { recursive: true });
  place.life++;
  world.acknowledged.delete(place.number);
  await peer.start();
  await pause(random.integer(0, 150));
  await end(world, place);
  return async () => {
    const witness = world.field.awake.find((other) => other !== place);
    if (!witness) throw new Error('nobody is left');
    await eventually(
      `${witness.peer.name} knows the new ${peer.name}`,
      async () =>
        (await witness.peer.getPeers()).some(({ id, state }) => id === peer.id && state === 'connected'),
      { withinMs: PATIENCE_MS, everyMs: 50 },
    );
    // Nobody is to wait for who will not come back; if it was never announced, nobody does.
    const { ok, error } = await witness.peer.call('removePeer', old, { evict: true });
    if (!ok && error?.code !== 'NOT_FOUND') throw new Error(`${old} is not evicted: ${error?.message ?? ''}`);
  };
}

/** An import is cut off by the death of its peer, and done again afterwards, to the end. */
async function whileImporting(world: World, place: Place, random: Random): Promise<Aftermath> {
  const { peer } = place;
  const file = join(world.field.cluster.folder, 'import.ndjson');
  const mark = random.uint32();
  const lines = Array.from({ length: IMPORTED_KEYS }, (_, n) =>
    JSON.stringify({ key: `i${n}`, value: `${mark} ${n}` }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  const words = ['import', file, '--bucket', IMPORTED] as const;
  const cut = peer.cli(...words);
  await pause(random.integer(250, 700));
  await end(world, place);
  await cut;
  return async () => {
    const { code, stderr } = await peer.cli(...words);
    if (code !== 0) throw new Error(`the import failed: ${stderr}`);
    const key = `i${IMPORTED_KEYS - 1}`;
    const value = await peer.value('get', key, { bucket: IMPORTED });
    if (value !== `${mark} ${IMPORTED_KEYS - 1}`) throw new Error(`${key} is ${JSON.stringify(value)}`);
  };
}

/** As often as their weights say. */
export function drawMoment(random: Random): Moment {
  let left = random.float() * MOMENTS.reduce((sum, { weight }) => sum + weight, 0);
  return MOMENTS.find(({ weight }) => (left -= weight) < 0) ?? (MOMENTS[0] as Moment);
}
