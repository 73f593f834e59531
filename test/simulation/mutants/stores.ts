import type { Policy } from '../../../src/data/policy.js';
import type { Replica } from '../../../src/replica/replica.js';
import { kindOf } from '../../../simulator/network.js';
import { around, LINKS, LOST, messages, type Mutant, peers } from './mutant.js';

function lastArrivalWins(replica: Replica): void {
  for (const bucket of replica.core.buckets.values()) {
    const policy: Policy = { ...bucket.policy, admit: (_, next) => [next] };
    Object.assign(bucket, { policy });
  }
}

/** Sends every push on, be it news or not. */
function forwardsEverything(replica: Replica): void {
  around(replica, {
    step: (step, input) => {
      const received = input.kind === 'received' ? input.messages : [];
      const again = received
        .filter(({ bytes }) => kindOf(bytes) === 'push')
        .flatMap(({ link: from, bytes }) =>
          [...replica.core.links.keys()].filter((link) => link !== from).map((link) => ({ link, bytes })),
        );
      return { ...step, sends: [...step.sends, ...again] };
    },
  });
}

/** The invariants of writing and storing. */
export const STORE_MUTANTS: readonly Mutant[] = [
  {
    name: 'invariant 3: a crashed peer goes on under its origin',
    faults: ['crash', 'start', 'breakLink'],
    sabotage: peers(() => ({ keepsOrigin: true })),
    found: /^(origin|invented|altered|coverage|note divergence|unequal):/,
  },
  {
    name: 'invariant 2: a write is acknowledged before it is flushed',
    faults: ['crash', 'start', 'cut', 'heal'],
    sabotage: peers(() => ({ acknowledgesEarly: true })),
    found: /^lost:/,
  },
  {
    name: 'invariant 5: a dot is covered in a transaction without its entry',
    faults: LINKS,
    sabotage: peers((world) => ({
      commit: (batch) => (world.random.float() < 0.01 ? { ...batch, puts: batch.puts.slice(1) } : batch),
    })),
    found: LOST,
  },
  {
    name: 'a crash leaves half of a transaction',
    faults: ['crash', 'start', 'breakLink'],
    sabotage: peers(() => ({ tear: (batch) => ({ ...batch, puts: [], totals: [] }) })),
    found: LOST,
  },
  {
    name: 'invariant 1: the last arrival wins',
    faults: LINKS,
    sabotage: peers(() => ({ replica: lastArrivalWins })),
    found: /^(shed|older-stands|coverage): /,
  },
  {
    name: 'invariant 6: what is no news is forwarded',
    faults: [],
    sabotage: peers(() => ({ replica: forwardsEverything })),
    found: /^twice:/,
  },
  {
    name: 'rule 9: the clock is not stored, and goes back over a restart',
    faults: ['skew', 'setRight', 'leave', 'start'],
    sabotage: peers(() => ({
      commit: ({ puts, vectors, floors, totals, damages, members }) => ({
        ...{ puts, vectors, floors, totals, damages, members },
      }),
    })),
    found: /^origin:/,
  },
  {
    name: 'no anti-entropy',
    faults: LINKS,
    sabotage: messages((message) =>
      message.type === 'digest' || message.type === 'vectors' ? undefined : message,
    ),
    found: /^unequal:/,
  },
];
