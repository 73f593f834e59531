import { World } from '../../simulator/world.js';
import { checkAtRest, checkNoSessions } from './checks/rest.js';
import { Witness } from './checks/witness.js';
import { checkWork } from './checks/work.js';
import { Performer } from './perform.js';
import { type DrawOptions, drawPlan } from './plan/draw.js';
import type { Plan } from './plan/plan.js';
import { isFullMesh } from './mesh.js';
import { dropAll, lookAfter } from './tidy.js';
import { Violation } from './violation.js';

/** How long peers that are well may take to agree, milliseconds of virtual time. */
const SETTLE_MS = 120_000;
/** Writes under a clock that ran ahead are held back until their time has come: no longer than this. */
const LONGEST_SKEW_MS = 3 * 3_600_000;

/** How a run ended. */
export interface Outcome {
  readonly world: World;
  readonly witness: Witness;
  /** From healing to agreement, milliseconds. */
  readonly settledAfter: number;
  /** From there until the last tombstone was gone, milliseconds. */
  readonly droppedAfter: number;
  /** What was done, how often: actions by name, messages by type, checks. */
  readonly tally: ReadonlyMap<string, number>;
}

export interface RunOptions {
  /** Breaks a rule, to see whether the checks find it; called for the world as it begins. */
  readonly sabotage?: (world: World) => void;
}

/** Runs a plan, heals, and demands what must always hold. @throws Violation, or what the product threw */
export function runPlan(plan: Plan, { sabotage }: RunOptions = {}): Outcome {
  const world = worldOf(plan);
  const witness = new Witness(world, plan.setup.membersOnly);
  sabotage?.(world);
  const performer = new Performer(world, plan.setup);
  for (const peer of plan.setup.peers) performer.join(peer);
  if (plan.setup.membersOnly) meet(world, witness);
  const begunAt = world.now;
  for (const action of plan.actions) {
    world.run(begunAt + action.at);
    performer.perform(action);
  }
  let droppedAfter = 0;
  const settledAfter = settle(world, witness, performer.done.has('skew'));
  // Who waits for a damaged row, or gives it up, may be long about it.
  if (!witness.hasDamages && isOfOneMind(plan)) witness.rounds.check();
  if (!performer.done.has('slow') && !performer.done.has('stop')) checkNoSessions(witness);
  if (!witness.isLost) {
    checkAtRest(world, witness);
    if (isOfOneMind(plan)) {
      droppedAfter = dropAll(world, plan.setup);
      world.run(world.now + 20_000, () => world.isEqual);
      checkAtRest(world, witness);
    }
  }
  const tally = new Map([...performer.done, ...world.network.sent, ...witness.made]);
  tally.set('writes', witness.log.size).set('promises', witness.promises.length).set('steps', world.steps);
  checkWork(plan, tally);
  return { world, witness, settledAfter, droppedAfter, tally };
}

/** The run of a seed's plan. */
export const runSeed = (seed: number, options: RunOptions & DrawOptions = {}): Outcome =>
  runPlan(drawPlan(seed, options), options);

function worldOf({ seed, setup }: Plan): World {
  const { delayMs, duplicates, lostPushes, policies } = setup;
  return new World(seed, { network: { delayMs, duplicates, lost: { push: lostPushes } }, policies });
}

/** Until what the peers know of each other is on their disks. */
const KEEP_MS = 3000;

/** Runs until everybody knows everybody as a member, and no crash makes them forget it. */
function meet(world: World, witness: Witness): void {
  const all = world.peers.length;
  const haveMet = (): boolean => world.peers.every((peer) => witness.membersOf(peer).length === all);
  if (world.run(world.now + SETTLE_MS, haveMet)) {
    world.run(world.now + KEEP_MS);
    return;
  }
  const counts = world.peers.map((peer) => `${peer.url} knows ${witness.membersOf(peer).length}`);
  throw new Violation('members', `after ${SETTLE_MS} ms not all are known as members: ${counts.join(', ')}`);
}

/** @returns how long it took until all agreed */
function settle(world: World, witness: Witness, wasSkewed: boolean): number {
  world.heal();
  lookAfter(world);
  readDamaged(world);
  if (wasSkewed) {
    // Until the peers know each other's clocks again; then the time of everything held back comes.
    world.run(world.now + 10_000);
    world.skipTime(LONGEST_SKEW_MS);
  }
  const healedAt = world.now;
  const isDone = (): boolean => {
    if (!witness.rounds.hasBegun && isFullMesh(world)) witness.rounds.begin();
    return world.isEqual && isLinked(world) && witness.isWhole;
  };
  while (world.now < healedAt + SETTLE_MS && world.run(healedAt + SETTLE_MS, isDone)) {
    // What nobody has noticed is no divergence.
    if (!world.running.some(({ storage }) => storage.damagedKeys().length > 0)) return world.now - healedAt;
    readDamaged(world);
    world.run(world.now + 1);
  }
  if (witness.isLost) return SETTLE_MS;
  const states = world.running.flatMap((peer) =>
    world.buckets.map((name) => `${peer.url} ${name} ${peer.stateText(name)}`),
  );
  throw new Violation('unequal', `not equal ${SETTLE_MS} ms after healing:\n${states.join('\n')}`);
}

/** Somebody reads every row that is damaged. That a row is not there a reader cannot tell. */
function readDamaged(world: World): void {
  for (const peer of world.running) {
    peer.mendLost();
    for (const { bucket, key } of peer.storage.damagedKeys()) peer.take({ kind: 'damaged', bucket, key });
  }
}

const isLinked = (world: World): boolean =>
  world.peers.every((peer) => world.peers.length === 1 || peer.replica.core.links.size > 0);

/** Where two policies meet under one name each side waits for announcements of the other that never come. */
const isOfOneMind = ({ setup }: Plan): boolean =>
  setup.peers.every(({ policies }) => Object.keys(policies).length === 0);
