import type { Message } from '../../src/protocol/messages.js';
import type { SimPeer } from '../sim-peer.js';
import type { SimPeerOptions } from '../sim-peer-options.js';
import { World } from '../world.js';
import { addGraph, addMesh, measured, someOf, type Strategy } from './cluster.js';
import type { Stretch } from './stretch.js';
import { Trace } from './trace.js';
import { type Traffic, traffic } from './traffic.js';

export interface SteadyOptions {
  readonly seed: number;
  readonly strategy: Strategy;
  readonly peers: number;
  /** Links of a peer, on average, in a random graph; `mesh`: all are linked to all. */
  readonly degree: number | 'mesh';
  /** How many of them write. */
  readonly writers: number;
  /** Writes of each writer in which trees grow, and those that are measured then. */
  readonly warmUp: number;
  readonly writes: number;
  /** How many writes each of these is, of other keys and at the same moment; default 1. */
  readonly burst?: number;
  /** Of 1: how many of these messages vanish, from the first write on. */
  readonly lost?: Partial<Record<Message['type'], number>>;
  /** Half of this at least, milliseconds, is between two rounds of anti-entropy; default as peers have it. */
  readonly antiEntropyMs?: number;
  /** Of 1: how much is done. */
  readonly progress?: (share: number) => void;
}

/** One of the two parts: while trees grow, and then. */
export interface Part {
  readonly stretch: Stretch;
  readonly traffic: Traffic;
  /** Of 1: of all pairs of a write and another peer, those in which it had arrived by the end of the part. */
  readonly reached: number;
}

export interface SteadyResult {
  readonly warmUp: Part;
  readonly steady: Part;
  /** From the last write until all were equal, milliseconds; `null`: not within ten minutes. */
  readonly convergenceMs: number | null;
}

/** Time to form the cluster before the first write, milliseconds. */
const FORM_MS = 5_000;
/** Each writer writes once in this time, milliseconds. */
const EVERY_MS = 1_000;
/** Between the two parts, milliseconds: the writes of the first have arrived then. */
const PAUSE_MS = 3_000;
/** Who has not converged so long after the last write is said not to, milliseconds. */
const PATIENCE_MS = 600_000;
const STEP_MS = 100;

/** Some peers of a cluster in which nothing breaks write again and again: what that costs, and how far it is to the last. */
export function runSteady(options: SteadyOptions): SteadyResult {
  const { seed, strategy, peers, degree, lost = {}, progress = () => undefined } = options;
  const world = new World(seed, { network: { lost } });
  const trace = new Trace(world);
  world.observer = trace.observer;
  // A disk would only cost: nothing that is measured depends on it but announcements.
  const { antiEntropyMs } = options;
  const settings = {
    ...measured(world, strategy),
    ...(antiEntropyMs !== undefined && { antiEntropyMs: [antiEntropyMs, antiEntropyMs] as const }),
  };
  const peer = (): Partial<SimPeerOptions> => ({ durable: false, light: true, settings });
  if (degree === 'mesh') addMesh(world, peers, peer);
  else addGraph(world, { peers, degree }, peer);
  const writers = someOf(world.random, peers, options.writers).map((place) => world.peers[place] as SimPeer);
  const rounds = options.warmUp + options.writes;
  const endAt = FORM_MS + rounds * EVERY_MS + 2 * PAUSE_MS;
  const runUntil = (at: number): void => {
    while (world.now < at) {
      world.run(Math.min(at, world.now + STEP_MS));
      progress(Math.min(1, world.now / endAt));
    }
  };
  runUntil(FORM_MS);
  const part = (count: number): Part => {
    const stretch = trace.begin();
    const sent = traffic(world);
    writeAll(world, writers, count, options.burst ?? 1);
    runUntil(world.now + count * EVERY_MS + PAUSE_MS);
    return { stretch, traffic: sent(), reached: stretch.share };
  };
  const warmUp = part(options.warmUp);
  const steady = part(options.writes);
  const lastAt = world.now - PAUSE_MS;
  const converged = world.isEqual || converge(world);
  return { warmUp, steady, convergenceMs: converged ? Math.round(world.now - lastAt) : null };
}

/** Each writer writes so often, at a random moment of each period; nothing is written over, as that need not arrive. */
function writeAll(world: World, writers: readonly SimPeer[], count: number, burst: number): void {
  for (let i = 0; i < count; i++) {
    for (const writer of writers) {
      const afterMs = EVERY_MS * (i + world.random.float());
      world.after(afterMs, () => {
        const key = `key-${writer.place}-${Math.floor(world.now)}`;
        writer.setAll(
          Array.from({ length: burst }, (_, n) => (n === 0 ? key : `${key}-${n}`)),
          `value-${i}`,
        );
      });
    }
  }
}

function converge(world: World): boolean {
  const until = world.now + PATIENCE_MS;
  while (world.now < until) {
    world.run(world.now + STEP_MS);
    if (world.isEqual) return true;
  }
  return false;
}
