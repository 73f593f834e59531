import type { SimPeer } from '../sim-peer.js';
import type { SimPeerOptions } from '../sim-peer-options.js';
import { World } from '../world.js';
import { addGraph, addMesh, lossOf, measured, someOf } from './cluster.js';
import type { ExperimentOptions, ExperimentProgress, ExperimentResult } from './options.js';
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

/** Until the cluster has formed, and until the last write and fault: about so much of a run, of 1. */
const FORMED = 0.1;
const DISTURBED = 0.9;

/** Plays through: a cluster forms, takes writes while messages vanish, peers crash and the network is split, and converges. */
export function runExperiment(
  options: ExperimentOptions,
  progress: (now: ExperimentProgress) => void = () => undefined,
): ExperimentResult {
  const { peers } = options;
  const world = new World(options.seed, { network: { lost: lossOf(options.loss / 100) } });
  const trace = new Trace(world);
  world.observer = trace.observer;
  const tell =
    (stage: ExperimentProgress['stage'], share: () => number, holds = () => false) =>
    (): boolean => {
      progress({ stage, share: share(), virtualMs: world.now });
      return holds();
    };
  const victims = someOf(world.random, peers, Math.round((peers * options.crash) / 100));
  addPeers(world, options, new Set(victims));
  const forming = tell('forming', () => (FORMED * world.now) / FORM_MS);
  world.run(FORM_MS, everySoOften(world, forming));
  const links = world.network.size;
  const bytesBefore = world.peers.map(({ bytesSent }) => bytesSent);
  const sent = traffic(world);
  const stretch = trace.begin();
  const lastAt = disturb(world, options, victims);
  const writing = tell(
    'writing',
    () => FORMED + ((DISTURBED - FORMED) * (world.now - FORM_MS)) / (lastAt - FORM_MS),
  );
  world.run(lastAt, everySoOften(world, writing));
  const all = Math.max(1, stretch.writes * (peers - 1));
  const arrived = (): number => Math.min(1, stretch.needed / all);
  const settling = tell(
    'settling',
    () => DISTURBED + (1 - DISTURBED) * arrived(),
    () => world.isEqual,
  );
  const converged = world.run(lastAt + PATIENCE_MS, everySoOften(world, settling));
  return {
    options,
    links,
    convergenceMs: converged ? Math.round(world.now - lastAt) : null,
    ...measure(world, stretch, sent()),
    bytesPerPeer: spreadOf(world.peers.map(({ bytesSent }, i) => bytesSent - (bytesBefore[i] ?? 0))),
  };
}

/**
 * Peers that come back have disks, and so announce what is on them. To the others a disk would only cost: that each is
 * told by all what is on their disks takes memory by the square of the peers, times the origins.
 */
function addPeers(world: World, { peers, degree }: ExperimentOptions, victims: ReadonlySet<number>): void {
  const settings = measured(world, { kind: 'tree' });
  const optionsOf = (place: number): Partial<SimPeerOptions> => ({
    durable: victims.has(place),
    light: true,
    settings,
  });
  if (degree === 'mesh') addMesh(world, peers, optionsOf);
  else addGraph(world, { peers, degree }, optionsOf);
}

/** Plans the writes, and what goes wrong meanwhile. @returns when the last of it happens */
function disturb(world: World, options: ExperimentOptions, victims: readonly number[]): number {
  const { random, peers } = world;
  const { writes, partitionMs } = options;
  const begin = world.now;
  let last = begin;
  const plan = (afterMs: number, run: () => void): void => {
    last = Math.max(last, begin + afterMs);
    world.at(begin + afterMs, run);
  };
  for (const place of victims) {
    const peer = peers[place] as SimPeer;
    const afterMs = random.float() * WRITE_MS;
    plan(afterMs, () => peer.crash());
    plan(afterMs + DOWN_MS, () => peer.start());
  }
  if (partitionMs > 0) {
    plan(WRITE_MS / 4, () => split(world));
    plan(WRITE_MS / 4 + partitionMs, () => world.network.heal());
  }
  const writers = someOf(random, peers.length, options.writers).map((place) => peers[place] as SimPeer);
  for (let i = 0; i < writes; i++) {
    plan((WRITE_MS * i) / writes, () => {
      const running = writers.filter((writer) => writer.running);
      random.pick(running)?.set(`key-${i % KEYS}`, `value-${i}`);
    });
  }
  return last;
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
    grown: { writes: stretch.grown.writes, redundancy: stretch.grownRedundancy },
    duplicates: stretch.received - needed,
    grafts: messages['graft'] ?? 0,
    prunes: messages['prune'] ?? 0,
    byDeltas: needed === 0 ? 0 : stretch.deltaNews / needed,
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
