import {
  checkAcknowledged,
  checkCoverage,
  checkIntervals,
  checkNoDivergence,
  checkOrigins,
  checkStores,
} from './checks.js';
import { disturb, drawFaults, write } from './faults.js';
import { World } from './world.js';

/** How long peers that are well may take to agree, milliseconds of virtual time. */
const SETTLE_MS = 120_000;
/** Writes under a clock that ran ahead are held back until their time has come: no longer than this. */
const LONGEST_SKEW_MS = 3 * 3_600_000;

export interface ScenarioOptions {
  /** Only these faults; by default those that the seed draws. */
  readonly faults?: readonly string[];
  /** Breaks a rule, to see whether the checks find it; called for the world as it begins. */
  readonly sabotage?: (world: World) => void;
}

/** How a run ended. */
export interface Outcome {
  readonly world: World;
  /** From healing to agreement, milliseconds. */
  readonly settledAfter: number;
  /** An old store was put back unnoticed, and the peers reported that they hold different data. */
  readonly diverged: boolean;
}

/** Breaks things for a while, heals, and demands what must always hold. @throws Error that says what did not */
export function runScenario(seed: number, options: ScenarioOptions = {}): Outcome {
  const world = live(seed, options);
  world.heal();
  if (world.tally.has('skew')) passTime(world);
  const healedAt = world.now;
  const diverged = (): boolean => world.tainted && world.peers.some((peer) => peer.hasNoted('divergence'));
  const settled = world.run(healedAt + SETTLE_MS, () => (world.isEqual && allLinked(world)) || diverged());
  if (!settled) {
    const states = world.peers.map((peer) => `${peer.url} ${peer.stateText()}`);
    throw new Error(`not equal ${SETTLE_MS} ms after healing:\n${states.join('\n')}`);
  }
  const settledAfter = world.now - healedAt;
  if (diverged()) return { world, settledAfter, diverged: true };
  checkCoverage(world);
  checkOrigins(world);
  checkIntervals(world);
  checkStores(world);
  checkAcknowledged(world);
  if (!world.tainted) checkNoDivergence(world);
  return { world, settledAfter, diverged: false };
}

/** Runs until the peers know each other's clocks again, then lets the time of everything held back come. */
function passTime(world: World): void {
  world.run(world.now + 10_000);
  world.skipTime(LONGEST_SKEW_MS);
}

function live(seed: number, options: ScenarioOptions): World {
  const world = begin(seed);
  const { random } = world;
  options.sabotage?.(world);
  const faults = options.faults ?? drawFaults(random);
  for (let i = 0; i < 120; i++) {
    if (random.float() < 0.65) write(world);
    else disturb(world, faults);
    world.run(world.now + random.float() * 200);
    if (i % 10 === 0) checkCoverage(world);
  }
  return world;
}

function begin(seed: number): World {
  const world = new World(seed, {
    delayMs: seed % 5 === 0 ? [50, 400] : [1, 40],
    duplicates: 0.05,
    lostPushes: seed % 3 === 0 ? 0.2 : 0,
  });
  const { random } = world;
  if (random.float() < 0.5) world.keys = 60;
  const flushMs = random.float() < 0.3 ? ([0, 1500] as const) : ([0, 20] as const);
  const busyMs = random.float() < 0.3 ? 20 : 0.01;
  world.onChunk = (peer) => checkCoverage(world, [peer]);
  const count = random.integer(2, 5);
  for (let i = 0; i < count; i++) {
    const peers = i === 0 ? [] : [`http://peer-${random.integer(1, i)}:1`];
    world.addPeer({ peers, discovery: random.float() < 0.7, flushMs, busyMs });
  }
  return world;
}

const allLinked = (world: World): boolean =>
  world.peers.every((peer) => world.peers.length === 1 || peer.replica.core.links.size > 0);

/** The same, with the seed in the error. */
export function runSeed(seed: number, options: ScenarioOptions = {}): Outcome {
  try {
    return runScenario(seed, options);
  } catch (error) {
    const replay = `replay: RUMEUR_SEED=${seed} RUMEUR_SEEDS=1`;
    throw new Error(`seed ${seed} (${replay}): ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
