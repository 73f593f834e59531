import type { SimPeer } from '../sim-peer.js';
import { World } from '../world.js';
import { addGraph, lossOf, measured, someOf } from './cluster.js';
import type { ExperimentOptions, ExperimentResult } from './options.js';
import type { Stretch } from './stretch.js';
import { Trace } from './trace.js';
import { type Traffic, traffic } from './traffic.js';

/** Time to form the cluster before the first write, milliseconds. */
const FORM_MS = 10_000;
/** The writes are spread over this time, milliseconds. */
const WRITE_MS = 10_000;
/** The writes go round over so many keys: every peer keeps them all. */
const KEYS = 1000;
/** A crashed peer is back after this time, milliseconds. */
const DOWN_MS = 5_000;
/** Who has not converged so long after the faults is said not to, milliseconds. */
const PATIENCE_MS = 600_000;
/** Points of the chart of how many peers had a write, over time. */
const POINTS = 12;

/** Plays through: a cluster forms, takes writes while messages vanish, peers crash and the network is split, and converges. */
export function runExperiment(
  options: ExperimentOptions,
  progress: (virtualMs: number) => void = () => undefined,
): ExperimentResult {
  const world = new World(options.seed, { network: { lost: lossOf(options.loss / 100) } });
  const trace = new Trace(world);
  world.observer = trace.observer;
  addGraph(world, options, {
    // Where nobody comes back a disk would only cost: nothing that is measured depends on it but announcements.
    durable: options.crash > 0,
    light: true,
    settings: measured(world, { kind: 'tree' }),
  });
  const goOn = everySoOften(world, () => {
    progress(world.now);
    return false;
  });
  world.run(FORM_MS, goOn);
  const links = world.network.size;
  const bytesBefore = world.peers.map(({ bytesSent }) => bytesSent);
  const sent = traffic(world);
  const stretch = trace.begin();
  disturb(world, options, goOn);
  const healedAt = world.now;
  const isEqual = everySoOften(world, () => {
    progress(world.now);
    return world.isEqual;
  });
  const converged = world.run(healedAt + PATIENCE_MS, isEqual);
  return {
    options,
    links,
    convergenceMs: converged ? Math.round(world.now - healedAt) : null,
    ...measure(world, stretch, sent()),
    bytesPerPeer: spreadOf(world.peers.map(({ bytesSent }, i) => bytesSent - (bytesBefore[i] ?? 0))),
  };
}

/** The writes, and meanwhile what goes wrong; returns with the last of it. */
function disturb(world: World, options: ExperimentOptions, goOn: () => boolean): void {
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
  world.run(last, goOn);
}

/** Cuts the cluster into two random halves: connections between them break. */
function split(world: World): void {
  const half = someOf(world.random, world.peers.length, world.peers.length >> 1);
  world.network.split(new Set(half.map((place) => world.peers[place] as SimPeer)));
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
  stretch: Stretch,
  { messages, bytes }: Traffic,
): Omit<ExperimentResult, 'options' | 'links' | 'convergenceMs' | 'bytesPerPeer'> {
  const { needed } = stretch;
  return {
    writes: stretch.writes,
    hops: stretch.hops,
    redundancy: stretch.redundancy,
    duplicates: stretch.received - needed,
    grafts: messages['graft'] ?? 0,
    prunes: messages['prune'] ?? 0,
    byDeltas: needed === 0 ? 0 : (100 * stretch.deltaNews) / needed,
    bytes,
    leastBytes: Math.round(stretch.leastBytes),
    messages,
    spread: chartOf(stretch.times, stretch.writes * (world.peers.length - 1)),
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
