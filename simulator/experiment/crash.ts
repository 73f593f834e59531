import type { SimPeer } from '../sim-peer.js';
import { World } from '../world.js';
import { addCrowd, measured, someOf, type Strategy } from './cluster.js';
import type { Stretch } from './stretch.js';
import { Trace } from './trace.js';

export interface CrashOptions {
  readonly seed: number;
  readonly strategy: Strategy;
  readonly peers: number;
  /** Up to so many all are linked to all; default as peers have it. */
  readonly meshPeers?: number;
  /** Of 1: how many crash, all at once. */
  readonly crash: number;
  /** The machines die: nobody is told, links end as pings stay away. Without, links break as processes end. */
  readonly silent: boolean;
  readonly progress?: (share: number) => void;
}

export interface CrashResult {
  readonly survivors: number;
  /** Of 1: survivors that had the writes made with the crash, so long after it, milliseconds; and in the end. */
  readonly reached: readonly { readonly afterMs: number; readonly share: number }[];
  readonly reachedInTheEnd: number;
  /** From the crash until all survivors had everything, milliseconds; `null`: not while they healed. */
  readonly allMs: number | null;
  /** Of 1: of writes made after healing, what came by pushes alone, and in all. */
  readonly healed: { readonly pushed: number; readonly share: number };
}

/** After the last join, milliseconds: views are full. */
const FORM_MS = 10_000;
/** Writes of each writer before the crash: their trees have grown. */
const WARM_UP = 5;
const WRITERS = 10;
/** One and two of the shortest pauses between rounds of anti-entropy, milliseconds. */
const LOOK_AT_MS = [1_000, 2_000];
/** Links form anew in this time, milliseconds: longer than it takes to find out who is silent. */
const HEAL_MS = 30_000;
/** Writes after that are given this time, milliseconds. */
const AFTER_MS = 5_000;
const STEP_MS = 50;

/** Many peers of a crowd crash at the same moment, and others write just then: whom does it reach, how, and when? */
export function runCrash(options: CrashOptions): CrashResult {
  const { seed, strategy, peers, progress = () => undefined } = options;
  const world = new World(seed);
  const trace = new Trace(world);
  world.observer = trace.observer;
  const { meshPeers } = options;
  const settings = { ...measured(world, strategy), ...(meshPeers !== undefined && { meshPeers }) };
  addCrowd(world, peers, { durable: false, light: true, settings });
  const formed = world.now + FORM_MS;
  const endAt = formed + WARM_UP * 1000 + HEAL_MS + AFTER_MS;
  const step = (): void => {
    world.run(world.now + STEP_MS);
    progress(Math.min(1, world.now / endAt));
  };
  while (world.now < formed) step();
  const order = someOf(world.random, peers, peers).map((place) => world.peers[place] as SimPeer);
  const victims = order.slice(0, Math.round(peers * options.crash));
  const survivors = order.slice(victims.length);
  const writers = survivors.slice(0, WRITERS);
  for (let i = 0; i < WARM_UP; i++) {
    write(writers, `warm ${i}`);
    for (let until = world.now + 1000; world.now < until;) step();
  }
  for (const victim of victims) victim.crash({ silent: options.silent });
  const crashed = trace.begin();
  const seen = watch(world, crashed, () => write(writers, 'crash'), step);
  const healed = trace.begin();
  write(writers, 'healed');
  for (let until = world.now + AFTER_MS; world.now < until;) step();
  const pushed = healed.pushedNews / Math.max(1, writers.length * (survivors.length - 1));
  return {
    survivors: survivors.length,
    ...seen,
    reachedInTheEnd: crashed.share,
    healed: { pushed, share: healed.share },
  };
}

/** Writes, and looks for a while how far it has come. */
function watch(
  world: World,
  crashed: Stretch,
  begin: () => void,
  step: () => void,
): Pick<CrashResult, 'reached' | 'allMs'> {
  const at = world.now;
  const reached: { afterMs: number; share: number }[] = [];
  let allMs: number | null = null;
  begin();
  while (world.now < at + HEAL_MS) {
    step();
    const afterMs = LOOK_AT_MS[reached.length] ?? Infinity;
    if (world.now >= at + afterMs) reached.push({ afterMs, share: crashed.share });
    if (allMs === null && crashed.share === 1) allMs = Math.round(world.now - at);
  }
  return { reached, allMs };
}

function write(writers: readonly SimPeer[], value: string): void {
  for (const writer of writers) writer.set(`${value} ${writer.place}`, value);
}
