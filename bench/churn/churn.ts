import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Peer } from '../../src/index.js';
import { type FileUse, fileUseOf } from './files.js';

export interface ChurnOptions {
  /** How often a key is set and deleted, over all keys. */
  readonly rounds: number;
  /** Of them: those after which the data files should have their size. */
  readonly warmUp: number;
  /** Keys that are set and deleted, all of them in one sweep. */
  readonly keys: number;
  /** Keys that stay, so that the stores are not empty. */
  readonly lasting: number;
  readonly peers: number;
  /** Between two announcements of what is on the disk: so long, at least, tombstones stand. */
  readonly announceMs: number;
  /** An empty directory. */
  readonly folder: string;
  readonly progress: (text: string) => void;
}

export interface ChurnReport {
  readonly seconds: number;
  /** Of each peer after the warm-up, and in the end. */
  readonly warm: readonly FileUse[];
  readonly end: readonly FileUse[];
  /** By how much the sizes of all peers together have grown since the warm-up: 0.1 is a tenth. */
  readonly growth: FileUse;
}

/** Writers wait while so many times the keys are still remembered as deleted: that decides how large a file becomes. */
const STANDING_SWEEPS = 10;
const CHECK_MS = 20;
/** Longest wait for any state; a system that needs more has failed. */
const WITHIN_MS = 120_000;
const PROGRESS_MS = 10_000;

/** Sets and deletes the same keys over and over at peers on real disks: what was deleted must leave nothing behind. */
export async function churn(options: ChurnOptions): Promise<ChurnReport> {
  const begin = performance.now();
  const sweeps = Math.ceil(options.rounds / options.keys);
  const warmSweeps = Math.ceil(options.warmUp / options.keys);
  const warm = await phase(options, 0, warmSweeps);
  const end = await phase(options, warmSweeps, sweeps);
  const growth = { file: growthOf(warm, end, 'file'), live: growthOf(warm, end, 'live') };
  return { seconds: (performance.now() - begin) / 1000, warm, end, growth };
}

/** Sweeps from one number to another, by peers that are opened before and closed after. @returns what their files then take */
async function phase(options: ChurnOptions, from: number, to: number): Promise<FileUse[]> {
  const peers: Peer[] = [];
  const dirs = Array.from({ length: options.peers }, (_, i) => join(options.folder, `peer${i + 1}`));
  try {
    for (const dataDir of dirs) peers.push(await openPeer(dataDir, peers, options));
    await until('all are linked', () => peers.every((peer) => linksOf(peer) === peers.length - 1));
    if (from === 0) await load(peers, options);
    let told = performance.now();
    for (let sweep = from; sweep < to; sweep++) {
      await sweepOnce(peers, sweep, options);
      if (performance.now() - told < PROGRESS_MS) continue;
      told = performance.now();
      options.progress(`${sweep * options.keys} of ${options.rounds} rounds`);
    }
    await until('nothing is left of them', () => peers.every((peer) => isTidy(peer, options)));
  } finally {
    for (const peer of peers) await peer.close();
  }
  return Promise.all(dirs.map(fileUseOf));
}

function openPeer(dataDir: string, others: readonly Peer[], { announceMs }: ChurnOptions): Promise<Peer> {
  return Peer.open({
    port: 0,
    peers: others.map(({ url }) => url),
    dataDir,
    gossip: { announceMs, antiEntropyMs: [100, 1000] },
    log: { level: 'warn' },
  });
}

const valueOf = (n: number): { n: number; text: string } => ({ n, text: `value ${n} `.padEnd(100, '.') });

const load = (peers: readonly Peer[], { lasting }: ChurnOptions): Promise<unknown> | undefined =>
  peers[0]?.setMany(Array.from({ length: lasting }, (_, i) => [`lasting-${i}`, valueOf(i)]));

/** Every key once, at one peer. */
async function sweepOnce(peers: readonly Peer[], sweep: number, { keys }: ChurnOptions): Promise<void> {
  const writer = peers[sweep % peers.length];
  if (!writer) return;
  const names = Array.from({ length: keys }, (_, i) => `key-${i}`);
  await writer.setMany(names.map((name) => [name, valueOf(sweep)]));
  await Promise.all(names.map((name) => writer.delete(name)));
  const isFew = (): boolean => peers.every((peer) => bucketOf(peer).tombstones < STANDING_SWEEPS * keys);
  await until('tombstones go', isFew);
}

const bucketOf = (peer: Peer): { keys: number; tombstones: number } => {
  const { keys = 0, tombstones = 0 } = peer.status().buckets['default'] ?? {};
  return { keys, tombstones };
};

const linksOf = (peer: Peer): number => peer.getPeers().filter(({ state }) => state === 'connected').length;

function isTidy(peer: Peer, { lasting }: ChurnOptions): boolean {
  const { keys, tombstones } = bucketOf(peer);
  return keys === lasting && tombstones === 0;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const by = performance.now() + WITHIN_MS;
  while (!holds()) {
    if (performance.now() > by) throw new Error(`churn: not within ${WITHIN_MS} ms: ${what}`);
    await wait(CHECK_MS);
  }
}

const sum = (uses: readonly FileUse[], what: keyof FileUse): number =>
  uses.reduce((total, use) => total + use[what], 0);

const growthOf = (warm: readonly FileUse[], end: readonly FileUse[], what: keyof FileUse): number =>
  sum(end, what) / sum(warm, what) - 1;
