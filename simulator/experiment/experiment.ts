import type { Random } from '../../src/base/random.js';
import type { SimPeer } from '../sim-peer.js';
import { urlOf, World } from '../world.js';
import type { ExperimentOptions, ExperimentResult } from './options.js';
import { Trace } from './trace.js';

/** Time to form the cluster before the first write, milliseconds. */
const FORM_MS = 10_000;
/** The writes are spread over this time, milliseconds. */
const WRITE_MS = 10_000;
/** The writes go round over so many keys: every peer keeps them all. */
const KEYS = 1000;
/** As peers have it by default: the simulator's own tests want deltas of many small chunks. */
const DELTA_CHUNK_BYTES = 65_536;
/** A crashed peer is back after this time, milliseconds. */
const DOWN_MS = 5_000;
/** Who has not converged so long after the faults is said not to, milliseconds. */
const PATIENCE_MS = 600_000;
/** Points of the chart of how many peers had a write, over time. */
const POINTS = 12;

/** Plays through: a cluster forms, takes writes while messages vanish, peers crash and the network is split, and converges. */
export function runExperiment(options: ExperimentOptions): ExperimentResult {
  const world = new World(options.seed, { network: { lostPushes: options.loss / 100 } });
  const trace = new Trace(world);
  world.observer = {
    handled(peer, input, step) {
      if (input.kind !== 'writes') return;
      for (const { after } of step.persist?.puts ?? []) {
        const made = after.find(({ origin }) => origin === peer.replica.core.origin);
        if (made) trace.made(peer, made);
      }
    },
    delivered: (from, to, kind, bytes) => trace.delivered(from, to, kind, bytes),
  };
  build(world, options);
  world.run(FORM_MS);
  const links = world.network.size;
  const bytesBefore = world.peers.map(({ bytesSent }) => bytesSent);
  disturb(world, options);
  const healedAt = world.now;
  const converged = world.run(
    healedAt + PATIENCE_MS,
    everySoOften(world, () => world.isEqual),
  );
  return {
    options,
    links,
    convergenceMs: converged ? Math.round(world.now - healedAt) : null,
    ...measure(world, trace),
    bytesPerPeer: spreadOf(world.peers.map(({ bytesSent }, i) => bytesSent - (bytesBefore[i] ?? 0))),
  };
}

/** Each peer names earlier ones, so that all are connected and have so many links on average. */
function build(world: World, { peers, degree, crash }: ExperimentOptions): void {
  let links = 0;
  for (let i = 0; i < peers; i++) {
    const wanted = Math.max(1, Math.round(((i + 1) * degree) / 2) - links);
    const friends = someOf(world.random, i, Math.min(i, wanted));
    links += friends.length;
    world.addPeer({
      peers: friends.map(urlOf),
      discovery: false,
      links: Math.max(64, degree * 4),
      // Where nobody comes back a disk would only cost: nothing that is measured depends on it but announcements.
      durable: crash > 0,
      light: true,
      settings: { open: world.frames.open, deltaChunkBytes: DELTA_CHUNK_BYTES },
    });
  }
}

/** So many different numbers below `below`. */
function someOf(random: Random, below: number, count: number): number[] {
  const all = Array.from({ length: below }, (_, i) => i);
  random.shuffle(all);
  return all.slice(0, count);
}

/** The writes, and meanwhile what goes wrong; returns with the last of it. */
function disturb(world: World, options: ExperimentOptions): void {
  const { random, peers } = world;
  const { writes, partitionMs } = options;
  const begin = world.now;
  let last = begin;
  const plan = (afterMs: number, run: () => void): void => {
    last = Math.max(last, begin + afterMs);
    world.at(begin + afterMs, run);
  };
  for (const place of someOf(random, peers.length, Math.round((peers.length * options.crash) / 100))) {
    const peer = peers[place] as SimPeer;
    const afterMs = random.float() * WRITE_MS;
    plan(afterMs, () => peer.crash());
    plan(afterMs + DOWN_MS, () => peer.start());
  }
  if (partitionMs > 0) {
    plan(WRITE_MS / 4, () => split(world));
    plan(WRITE_MS / 4 + partitionMs, () => world.network.heal());
  }
  for (let i = 0; i < writes; i++) {
    plan((WRITE_MS * i) / writes, () => random.pick(world.running)?.set(`key-${i % KEYS}`, `value-${i}`));
  }
  world.run(last);
}

/** Cuts the cluster into two random halves, both of which go on believing in their connections. */
function split(world: World): void {
  const half = new Set(someOf(world.random, world.peers.length, world.peers.length >> 1));
  for (const [i, a] of world.peers.entries()) {
    for (const [j, b] of world.peers.entries()) if (half.has(i) && !half.has(j)) world.network.cut(a, b);
  }
}

/** The condition is dear: looked at every ten milliseconds of virtual time only. */
function everySoOften(world: World, holds: () => boolean): () => boolean {
  let lookAt = 0;
  return () => {
    if (world.now < lookAt) return false;
    lookAt = world.now + 10;
    return holds();
  };
}

function measure(
  world: World,
  trace: Trace,
): Pick<
  ExperimentResult,
  'writes' | 'hops' | 'redundancy' | 'byDeltas' | 'messages' | 'spread' | 'virtualMs'
> {
  const arrivals = trace.arrivals();
  const news = trace.pushedNews + trace.deltaNews;
  return {
    writes: trace.size,
    hops: arrivals.hops,
    redundancy: trace.pushedNews === 0 ? 0 : trace.pushed / trace.pushedNews,
    byDeltas: news === 0 ? 0 : (100 * trace.deltaNews) / news,
    messages: Object.fromEntries([...world.network.sent].sort(([, a], [, b]) => b - a)),
    spread: chartOf(arrivals.times, trace.size * (world.peers.length - 1)),
    virtualMs: Math.round(world.now),
  };
}

function spreadOf(values: readonly number[]): { mean: number; most: number } {
  if (values.length === 0) return { mean: 0, most: 0 };
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    most: values.reduce((most, value) => Math.max(most, value), 0),
  };
}

/** The share that had arrived at times of which each is a step later on a scale of ratios: the tail is long. */
function chartOf(sorted: Float32Array, all: number): { afterMs: number; share: number }[] {
  const last = sorted.at(-1);
  if (last === undefined || last === 0) return [];
  const first = Math.max(1, sorted[Math.floor(sorted.length / 20)] ?? 1);
  const ratio = Math.max(1.2, (last / first) ** (1 / (POINTS - 1)));
  const points: { afterMs: number; share: number }[] = [];
  let arrived = 0;
  for (let i = 0, at = first; i < POINTS && arrived < sorted.length; i++, at *= ratio) {
    const afterMs = Math.ceil(i === POINTS - 1 ? last : at);
    while (arrived < sorted.length && (sorted[arrived] as number) <= afterMs) arrived++;
    points.push({ afterMs, share: arrived / all });
  }
  return points;
}
