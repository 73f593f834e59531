import type { PolicyName } from '../../../src/data/policy.js';
import type { OriginId } from '../../../src/base/ids.js';
import type { VersionVector } from '../../../src/data/version-vector.js';
import { decodeMessage, encodeMessage } from '../../../src/protocol/codec.js';
import type { Chunk, Message } from '../../../src/protocol/messages.js';
import type { Bucket } from '../../../src/replica/bucket.js';
import type { Replica } from '../../../src/replica/replica.js';
import type { Input, Now, Step } from '../../../src/replica/step.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import type { Sabotage } from '../../../simulator/sim-peer-options.js';
import type { World } from '../../../simulator/world.js';
import { type Finding, tryPlan, trySeed } from '../hunt.js';
import type { DrawOptions } from '../plan/draw.js';
import type { Action, Plan, PlannedPeer, Setup } from '../plan/plan.js';

/** A rule taken out, in the world around the product: the simulator must find out. */
export interface Mutant {
  readonly name: string;
  /** The faults of the worlds that are drawn. */
  readonly faults?: readonly string[];
  /** The policy of their one bucket; `lww` by default. */
  readonly policy?: PolicyName;
  /** The world in which it shows, where chance alone takes long. */
  readonly draw?: Pick<DrawOptions, 'keys' | 'setup'>;
  /** The plans instead of drawn ones, where it shows only after a certain story. */
  readonly plan?: (seed: number) => Plan;
  readonly sabotage: (world: World) => void;
  /** What is found, `kind: message`, so that it is not found for another reason. */
  readonly found: RegExp;
}

export const LINKS = ['breakLink', 'cut', 'heal', 'crash', 'start', 'join'];
/** What is covered is not there, or is not what it should be, sooner or later. */
export const LOST = /^(coverage|older-stands|unequal|lost|ideal|state|store|note divergence):/;

/**
 * The first violation of the mutant's kind, and how many seeds it took. A sound world too needs a third round now and then,
 * as neighbours are drawn by chance: that alone says nothing about a mutant.
 */
export function huntMutant(mutant: Mutant, mostSeeds: number): { seeds: number; finding?: Finding } {
  const { faults = [], policy = 'lww', draw, plan, sabotage } = mutant;
  for (let seed = 1; seed <= mostSeeds; seed++) {
    const result = plan
      ? tryPlan(plan(seed), 0, { sabotage })
      : trySeed(seed, 0, { ...draw, faults, policies: [policy], sabotage });
    if (result.ok) continue;
    const { kind, message } = result.finding;
    if (kind !== 'rounds' || mutant.found.test(`${kind}: ${message}`))
      return { seeds: seed, finding: result.finding };
  }
  return { seeds: mostSeeds };
}

/** Mutants live in worlds with one bucket. */
export function bucketOf(peer: SimPeer): Bucket {
  const [bucket] = peer.replica.core.buckets.values();
  if (!bucket) throw new Error(`${peer.url} has no bucket`);
  return bucket;
}

/** Rewrites messages on their way; `undefined` loses one. */
export function messages(
  change: (message: Message, from: SimPeer, to: SimPeer) => Message | undefined,
): (world: World) => void {
  return (world) => {
    world.network.tamper = (from, to, bytes) => {
      const message = decodeMessage(bytes);
      const changed = change(message, from, to);
      if (changed === message) return bytes;
      return changed && encodeMessage(changed);
    };
  };
}

/** Rewrites chunks on their way. */
export function chunks(change: (chunk: Chunk, from: SimPeer, to: SimPeer) => Chunk): (world: World) => void {
  return messages((message, from, to) => (message.type === 'chunk' ? change(message, from, to) : message));
}

/** Claims of a chunk that is neither the last one nor exact, made anew. */
export function claims(make: (chunk: Chunk, from: SimPeer) => VersionVector): (world: World) => void {
  return chunks((chunk, from) =>
    chunk.last || chunk.exact ? chunk : { ...chunk, claims: make(chunk, from) },
  );
}

/** Sabotages every peer of a world. */
export function peers(make: (world: World) => Sabotage): (world: World) => void {
  return (world) => {
    world.sabotage = make(world);
  };
}

/** Does something to each bucket of every replica that is made. */
export const buckets = (change: (bucket: Bucket, replica: Replica) => void): ((world: World) => void) =>
  peers(() => ({
    replica: (replica) => {
      for (const bucket of replica.core.buckets.values()) change(bucket, replica);
    },
  }));

/** Changes what a replica is given and what it makes of it. */
export function around(
  replica: Replica,
  {
    input: changeInput,
    step: changeStep,
  }: { input?: (input: Input) => Input; step?: (step: Step, input: Input) => Step },
): void {
  const handle = replica.handle.bind(replica);
  Object.assign(replica, {
    handle: (input: Input, now: Now): Step => {
      const given = changeInput?.(input) ?? input;
      const step = handle(given, now);
      return changeStep?.(step, given) ?? step;
    },
  });
}

/** The least seq of each origin in a chunk. */
export function lowestOf({ entries }: Chunk): Map<OriginId, number> {
  const lowest = new Map<OriginId, number>();
  for (const { origin, seq } of entries) lowest.set(origin, Math.min(seq, lowest.get(origin) ?? seq));
  return lowest;
}

/** So many peers, of which each names the first. */
export const planned = (count: number): PlannedPeer[] =>
  Array.from({ length: count }, (_, i) => ({
    friends: i === 0 ? [] : [0],
    discovery: true,
    durable: true,
    flushMs: [0, 20] as const,
    busyMs: 0.01,
    policies: {},
  }));

/** A plan with one bucket, `a`: who does what is said, how long messages take is up to the seed. */
export const story =
  (actions: readonly Action[], setup: Partial<Setup> = {}) =>
  (seed: number): Plan => ({
    seed,
    actions,
    setup: {
      delayMs: [1, 40],
      duplicates: 0,
      lostPushes: 0,
      policies: { a: 'lww' },
      announceMs: 100,
      evictAfterMs: 7 * 86_400_000,
      auditMs: 500,
      deltaChunkBytes: 40,
      peers: planned(3),
      membersOnly: false,
      ...setup,
    },
  });
