import { Random } from '../../../src/base/random.js';
import { POLICIES, type PolicyName } from '../../../src/data/policy.js';
import { drawFault, drawFaultNames } from './draw-faults.js';
import { Workload } from './workload.js';
import type { Action, ActionName, Plan, PlannedPeer, Setup } from './plan.js';

/** How many things happen in a run. */
const ACTIONS = 150;
/** The bucket of each policy. */
const BUCKETS: readonly (readonly [string, PolicyName])[] = POLICIES.map((policy, i) => [
  String.fromCharCode(97 + i),
  policy,
]);
/** These bring in writes of peers that were no members, or forget members. */
const OUTSIDERS: ReadonlySet<string> = new Set([
  'join',
  'wipe',
  'restore',
  'restoreUnnoticed',
  'evict',
  'otherPolicy',
]);

export interface DrawOptions {
  /** Only these faults; by default those that the seed draws. */
  readonly faults?: readonly string[];
  /** Only buckets of these policies. */
  readonly policies?: readonly PolicyName[];
  readonly actions?: number;
  /** How many keys there are. */
  readonly keys?: number;
  /** What is not up to chance. */
  readonly setup?: Partial<Setup>;
}

/** The plan of a seed: what there is, and what happens when. */
export function drawPlan(seed: number, options: DrawOptions = {}): Plan {
  const random = Random.fromNumber(seed);
  const faults = options.faults ?? drawFaultNames(random);
  const setup = { ...drawSetup(random, faults, options.policies), ...options.setup };
  const workload = new Workload(random, setup, options.keys);
  return { seed, setup, actions: drawActions(random, workload, setup, faults, options.actions ?? ACTIONS) };
}

function drawSetup(
  random: Random,
  faults: readonly string[],
  only: readonly PolicyName[] | undefined,
): Setup {
  const policies = drawPolicies(random, only);
  const flushMs = random.float() < 0.3 ? ([0, 1500] as const) : ([0, 20] as const);
  const busyMs = random.float() < 0.3 ? 20 : 0.01;
  const hasOutsiders = faults.some((name) => OUTSIDERS.has(name));
  const peers = Array.from({ length: random.integer(2, 5) }, (_, i): PlannedPeer => ({
    friends: i === 0 ? [] : [random.integer(0, i - 1)],
    // Who shares a bucket must find each other past those who do not.
    discovery: random.float() < 0.7 || faults.includes('otherPolicy'),
    durable: i === 0 || !faults.includes('forgetful') || random.float() < 0.7,
    flushMs,
    busyMs,
    policies:
      faults.includes('otherPolicy') && i > 0 && random.float() < 0.3 ? otherPolicy(random, policies) : {},
  }));
  return {
    delayMs: random.float() < 0.2 ? [50, 400] : [1, 40],
    duplicates: 0.05,
    lostPushes: random.float() < 0.3 ? 0.2 : 0,
    policies,
    announceMs: random.pick([100, 500, 3000]) ?? 500,
    evictAfterMs: drawEviction(random, faults),
    auditMs: random.float() < 0.2 ? 500 : 3_600_000,
    deltaChunkBytes: random.float() < 0.7 ? 40 : 400,
    peers,
    membersOnly: !hasOutsiders && peers.every((peer) => peer.durable),
  };
}

/** A jump of all clocks at once must not look like the long silence of everybody. */
function drawEviction(random: Random, faults: readonly string[]): number {
  const mayBeShort = faults.includes('evict') && !faults.includes('skew');
  return mayBeShort && random.float() < 0.5 ? 20_000 : 7 * 86_400_000;
}

function drawPolicies(random: Random, only: readonly PolicyName[] | undefined): Record<string, PolicyName> {
  const allowed = BUCKETS.filter(([, policy]) => !only || only.includes(policy));
  const drawn = allowed.filter(() => random.float() < 0.4);
  const first = random.pick(allowed);
  return Object.fromEntries(drawn.length > 0 || !first ? drawn : [first]);
}

function otherPolicy(
  random: Random,
  policies: Readonly<Record<string, PolicyName>>,
): Record<string, PolicyName> {
  const name = random.pick(Object.keys(policies)) ?? '';
  const other = random.pick(POLICIES.filter((policy) => policy !== policies[name]));
  return other ? { [name]: other } : {};
}

function drawActions(
  random: Random,
  workload: Workload,
  setup: Setup,
  faults: readonly string[],
  count: number,
): Action[] {
  const state = { peers: setup.peers.length, down: new Set<number>(), skewed: false, workload, setup };
  const actions: Action[] = [];
  const writes = 0.4 + random.float() * 0.5;
  const pauseMs = random.pick([60, 200, 200, 500]) ?? 200;
  let at = 0;
  while (actions.length < count) {
    at = Math.round((at + random.float() * pauseMs) * 1000) / 1000;
    if (random.float() < writes || faults.length === 0) {
      actions.push(...workload.draw(at, state.peers));
    } else {
      const fault = drawFault(random, faults, state);
      if (fault) actions.push({ at, ...fault });
      // A newcomer that has written before it met anybody.
      if (fault?.do === 'join') actions.push(...workload.drawFor(at, state.peers - 1, random.integer(0, 3)));
    }
  }
  return actions;
}

/** What a plan holds, by name. */
export function tallyOf({ actions }: Plan): Map<ActionName, number> {
  const tally = new Map<ActionName, number>();
  for (const { do: name } of actions) tally.set(name, (tally.get(name) ?? 0) + 1);
  return tally;
}
