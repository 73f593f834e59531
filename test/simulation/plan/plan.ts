import type { PolicyName } from '../../../src/data/policy.js';
import type { Cut } from '../../../simulator/network.js';
import type { Damage } from '../../../simulator/sim-storage.js';

/** One peer as a plan sets it up. Peers are named by their place, from 0. */
export interface PlannedPeer {
  /** The places of the peers that its config names. */
  readonly friends: readonly number[];
  readonly discovery: boolean;
  readonly durable: boolean;
  readonly flushMs: readonly [number, number];
  readonly busyMs: number;
  /** Policies other than everybody's. */
  readonly policies: Readonly<Record<string, PolicyName>>;
}

/** The world before anything happens. */
export interface Setup {
  readonly delayMs: readonly [number, number];
  readonly duplicates: number;
  readonly lostPushes: number;
  readonly policies: Readonly<Record<string, PolicyName>>;
  readonly announceMs: number;
  readonly evictAfterMs: number;
  readonly auditMs: number;
  readonly deltaChunkBytes: number;
  readonly peers: readonly PlannedPeer[];
  /** Before the first action all peers meet and hear of each other as members, and nobody else ever writes. */
  readonly membersOnly: boolean;
}

/** What people do with data. `n` makes values differ. */
export type Write =
  | { readonly do: 'set'; readonly key: string; readonly n: number }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'incr'; readonly key: string; readonly by: number }
  | { readonly do: 'sadd' | 'srem'; readonly key: string; readonly member: string }
  /** Remembers what stands under the key, with its context. */
  | { readonly do: 'read'; readonly key: string; readonly slot: number }
  /** Sets or deletes with a remembered context, perhaps at another peer. */
  | { readonly do: 'resolve'; readonly key: string; readonly slot: number; readonly n: number | null };

/** What happens to one peer. */
export type PeerFault =
  /** `kept`: the share of the unflushed batches that survives; `silent`: the machine dies, and nobody is told. */
  | { readonly do: 'crash'; readonly kept: number; readonly silent: boolean }
  | { readonly do: 'leave' }
  | { readonly do: 'start' }
  /** Commits fail: at once, or after they were taken. */
  | { readonly do: 'diskFull'; readonly how: 'refuses' | 'fails' }
  | { readonly do: 'flip'; readonly bucket: string; readonly key: string; readonly what: Damage }
  | { readonly do: 'wipe' }
  | { readonly do: 'backUp' }
  | { readonly do: 'restore'; readonly unnoticed: boolean }
  | { readonly do: 'skew'; readonly ms: number }
  | { readonly do: 'stop'; readonly forMs: number }
  | { readonly do: 'slow'; readonly everyMs: number; readonly forMs: number }
  /** The peer is told that `other` will not come back. */
  | { readonly do: 'evict'; readonly other: number }
  | { readonly do: 'addPeer'; readonly other: number }
  | { readonly do: 'dialTwice'; readonly other: number }
  /** Looks for differences with a neighbour, as `verify` does. */
  | { readonly do: 'compare' };

/** What happens to the network. `link` counts the live links round. */
export type NetworkFault =
  | { readonly do: 'breakLink'; readonly link: number }
  | { readonly do: 'halfOpen'; readonly link: number; readonly side: 0 | 1 }
  | { readonly do: 'lag'; readonly link: number; readonly ms: number; readonly forMs: number }
  /** Ways from one peer to another. */
  | { readonly do: 'cut'; readonly how: Cut; readonly ways: readonly (readonly [number, number])[] }
  | { readonly do: 'heal' }
  /** All clocks. */
  | { readonly do: 'setRight' }
  | { readonly do: 'join'; readonly as: PlannedPeer };

export type Action = { readonly at: number } & (
  | ({ readonly peer: number; readonly bucket: string } & Write)
  | ({ readonly peer: number } & PeerFault)
  | NetworkFault
);

export type ActionName = Action['do'];

/** Everything that a run is made of: the same plan gives the same run. */
export interface Plan {
  /** For delays, ids and everything else that is drawn while it runs. */
  readonly seed: number;
  readonly setup: Setup;
  /** Ascending by `at`, milliseconds of virtual time. */
  readonly actions: readonly Action[];
}

export const planText = (plan: Plan): string => JSON.stringify(plan);

/** One line an action, for people. */
export const actionText = ({ at, do: what, ...rest }: Action): string =>
  `${String(Math.round(at)).padStart(7)} ms  ${what} ${JSON.stringify(rest)}`;

export const describePlan = ({ seed, setup, actions }: Plan): string =>
  [`seed ${seed}, ${setup.peers.length} peers: ${JSON.stringify(setup)}`, ...actions.map(actionText)].join(
    '\n',
  );
