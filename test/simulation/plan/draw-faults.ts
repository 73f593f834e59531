import type { Random } from '../../../src/base/random.js';
import { CUTS } from '../../../simulator/network.js';
import type { Damage } from '../../../simulator/sim-storage.js';
import type { NetworkFault, PeerFault, PlannedPeer, Setup } from './plan.js';
import type { Workload } from './workload.js';

const HOUR_MS = 3_600_000;
const MOST_PEERS = 7;
/** A row that vanishes altogether, without its page, is nothing that LMDB does. */
const FLIPS: readonly Damage[] = ['value', 'digest', 'dot', 'form'];

export type PlannedFault = ({ readonly peer: number } & PeerFault) | NetworkFault;

/** What the plan so far has led to, as far as one can tell without running it. */
export interface PlanState {
  peers: number;
  readonly down: Set<number>;
  skewed: boolean;
  readonly workload: Workload;
  readonly setup: Setup;
}

type Draw = (random: Random, state: PlanState) => PlannedFault | undefined;

/** Every kind of fault, and how often it happens beside the others. */
const FAULTS: Readonly<Record<string, readonly [weight: number, draw: Draw]>> = {
  breakLink: [10, (random) => ({ do: 'breakLink', link: random.integer(0, 20) })],
  halfOpen: [
    5,
    (random) => ({ do: 'halfOpen', link: random.integer(0, 20), side: random.float() < 0.5 ? 0 : 1 }),
  ],
  lag: [
    4,
    (random) => ({ do: 'lag', link: random.integer(0, 20), ms: random.integer(50, 3000), forMs: 2000 }),
  ],
  cut: [5, (random, state) => cutPair(random, state)],
  oneWay: [4, (random, state) => oneWay(random, state)],
  partition: [3, (random, state) => partition(random, state)],
  heal: [6, () => ({ do: 'heal' })],
  crash: [5, onRunning((random, peer) => ({ peer, do: 'crash', ...tail(random) }))],
  leave: [3, onRunning((_, peer) => ({ peer, do: 'leave' }))],
  start: [9, start],
  diskFull: [
    2,
    onRunning((random, peer) => ({ peer, do: 'diskFull', how: random.float() < 0.5 ? 'refuses' : 'fails' })),
  ],
  flip: [4, onRunning(flip, 0)],
  wipe: [1, onRunning((_, peer) => ({ peer, do: 'wipe' }), 2)],
  backUp: [3, onRunning((_, peer) => ({ peer, do: 'backUp' }), 0)],
  restore: [2, onRunning((_, peer) => ({ peer, do: 'restore', unnoticed: false }), 2)],
  /** The one fault under which a dot may come to name two things. */
  restoreUnnoticed: [2, onRunning((_, peer) => ({ peer, do: 'restore', unnoticed: true }), 2)],
  join: [2, join],
  skew: [2, skew],
  setRight: [2, setRight],
  stop: [
    3,
    onRunning((random, peer) => ({ peer, do: 'stop', forMs: random.pick([500, 4000, 20_000]) ?? 500 }), 0),
  ],
  slow: [
    3,
    onRunning((random, peer) => ({ peer, do: 'slow', everyMs: random.integer(50, 800), forMs: 5000 }), 0),
  ],
  evict: [2, (random, state) => withOther(random, state, 'evict')],
  dialTwice: [3, (random, state) => withOther(random, state, 'dialTwice')],
  addPeer: [2, (random, state) => withOther(random, state, 'addPeer')],
  compare: [2, onRunning((_, peer) => ({ peer, do: 'compare' }), 0)],
};

/** These say something about the setup and are no actions. */
const TRAITS = ['otherPolicy', 'forgetful'] as const;

export const FAULT_NAMES = [...Object.keys(FAULTS), ...TRAITS];

const RARE: ReadonlyMap<string, number> = new Map([
  ['restoreUnnoticed', 0.08],
  ['flip', 0.3],
  ['wipe', 0.3],
  ['restore', 0.3],
  ['evict', 0.3],
  ['join', 0.4],
  ['otherPolicy', 0.15],
  ['forgetful', 0.2],
]);

/** Each world has faults of its own: rare ones meet more often than if all of them happened everywhere (Groce et al., "Swarm testing", 2012). */
export function drawFaultNames(random: Random): string[] {
  return FAULT_NAMES.filter((name) => random.float() < (RARE.get(name) ?? 0.5));
}

/** One of the named faults, by their weights; nothing when it cannot happen now. */
export function drawFault(
  random: Random,
  names: readonly string[],
  state: PlanState,
): PlannedFault | undefined {
  const total = names.reduce((sum, name) => sum + (FAULTS[name]?.[0] ?? 0), 0);
  let dice = random.float() * total;
  for (const name of names) {
    const fault = FAULTS[name];
    if (!fault) continue;
    dice -= fault[0];
    if (dice < 0) return fault[1](random, state);
  }
  return undefined;
}

/** A fault of one peer that is up, if more than `besides` others are. */
function onRunning(
  make: (random: Random, peer: number, state: PlanState) => PlannedFault,
  besides = 1,
): Draw {
  return (random, state) => {
    const up = placesOf(state).filter((place) => !state.down.has(place));
    const peer = random.pick(up);
    if (peer === undefined || up.length <= besides) return undefined;
    const fault = make(random, peer, state);
    if (fault.do === 'crash' || fault.do === 'leave' || fault.do === 'diskFull') state.down.add(peer);
    return fault;
  };
}

const placesOf = ({ peers }: PlanState): number[] => Array.from({ length: peers }, (_, i) => i);

const tail = (random: Random): { kept: number; silent: boolean } => ({
  kept: random.pick([0, 0, 0.5, 1]) ?? 0,
  silent: random.float() < 0.3,
});

function start(random: Random, { down }: PlanState): PlannedFault | undefined {
  const peer = random.pick([...down]);
  if (peer === undefined) return undefined;
  down.delete(peer);
  return { peer, do: 'start' };
}

function flip(random: Random, peer: number, { workload }: PlanState): PlannedFault {
  const { bucket, key, policy } = workload.place();
  const row = policy === 'set' ? `${key}\0m${random.integer(0, 3)}` : key;
  return { peer, do: 'flip', bucket, key: row, what: random.pick(FLIPS) ?? 'value' };
}

function pairOf(random: Random, { peers }: PlanState): readonly [number, number] | undefined {
  const [a, b] = [random.integer(0, peers - 1), random.integer(0, peers - 1)];
  return a === b ? undefined : [a, b];
}

function cutPair(random: Random, state: PlanState): PlannedFault | undefined {
  const pair = pairOf(random, state);
  const how = random.pick(CUTS) ?? 'drop';
  return pair && { do: 'cut', how, ways: [pair, [pair[1], pair[0]]] };
}

function oneWay(random: Random, state: PlanState): PlannedFault | undefined {
  const pair = pairOf(random, state);
  return pair && { do: 'cut', how: random.float() < 0.6 ? 'lose' : 'hold', ways: [pair] };
}

/** Peers fall into groups, or into any shape at all: each way cut or not by a coin. */
function partition(random: Random, state: PlanState): PlannedFault {
  const places = placesOf(state);
  const side = places.map(() => random.integer(0, 1));
  const isShapeless = random.float() < 0.3;
  const ways = places.flatMap((a) =>
    places
      .filter((b) => a !== b && (isShapeless ? random.float() < 0.4 : side[a] !== side[b]))
      .map((b) => [a, b] as const),
  );
  return { do: 'cut', how: random.pick(CUTS) ?? 'drop', ways };
}

/** A newcomer that names one peer; who writes at it before it has met anybody is up to chance. */
function join(random: Random, state: PlanState): PlannedFault | undefined {
  if (state.peers >= MOST_PEERS) return undefined;
  const [first] = state.setup.peers;
  if (!first) return undefined;
  const friend = random.integer(0, state.peers - 1);
  const discovery = first.discovery || random.float() < 0.5;
  const as: PlannedPeer = { ...first, friends: [friend], discovery, policies: {} };
  state.peers++;
  return { do: 'join', as };
}

/** One clock goes wrong at a time, by up to two hours either way: with most of them wrong nobody can say which. */
function skew(random: Random, state: PlanState): PlannedFault | undefined {
  if (state.skewed || state.peers < 3) return undefined;
  state.skewed = true;
  const bound = random.pick([1_000, 70_000, 2 * HOUR_MS]) ?? 0;
  return { peer: random.integer(0, state.peers - 1), do: 'skew', ms: random.integer(-bound, bound) };
}

function setRight(_: Random, state: PlanState): PlannedFault | undefined {
  if (!state.skewed) return undefined;
  state.skewed = false;
  return { do: 'setRight' };
}

function withOther(
  random: Random,
  state: PlanState,
  what: 'evict' | 'dialTwice' | 'addPeer',
): PlannedFault | undefined {
  const pair = pairOf(random, state);
  return pair && { peer: pair[0], do: what, other: pair[1] };
}
