import type { BucketName } from '../../src/base/ids.js';
import { atLeast } from '../../src/data/intervals.js';
import type { Policy } from '../../src/data/policy.js';
import type { Stamp } from '../../src/data/stamp.js';
import { VersionVector } from '../../src/data/version-vector.js';
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.js';
import type { Chunk, Message } from '../../src/protocol/messages.js';
import type { Replica } from '../../src/replica/replica.js';
import type { Input, Now, Step } from '../../src/replica/step.js';
import type { SimPeer } from '../../simulator/sim-peer.js';
import type { Sabotage } from '../../simulator/sim-peer-options.js';
import type { World } from '../../simulator/world.js';
import type { DrawOptions } from './plan/draw.js';

/** A rule taken out, in the world around the product: the simulator must find out. */
export interface Mutant {
  readonly name: string;
  readonly faults: readonly string[];
  /** The world in which it shows, where chance alone takes long. */
  readonly draw?: Pick<DrawOptions, 'keys' | 'setup'>;
  readonly sabotage: (world: World) => void;
  /** The kind of the violation, so that it is not found for another reason. */
  readonly found: RegExp;
}

/** Mutants live in worlds with one bucket, of the policy `lww`: the first one that plans have. */
const BUCKET = 'a' as BucketName;
const LINKS = ['breakLink', 'cut', 'heal', 'crash', 'start', 'join'];
const LOST = /^(coverage|older-stands|unequal|lost|ideal|state|store|note divergence)$/;

/** Rewrites chunks on their way; `undefined` leaves one as it is. */
function chunks(change: (chunk: Chunk, from: SimPeer, to: SimPeer) => Chunk): (world: World) => void {
  return messages((message, from, to) => (message.type === 'chunk' ? change(message, from, to) : message));
}

function messages(
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

/** Sabotages every peer of a world. */
function peers(make: (world: World) => Sabotage): (world: World) => void {
  return (world) => {
    world.sabotage = make(world);
  };
}

/** Claims of a chunk that is neither the last one nor exact, made anew. */
function claims(make: (chunk: Chunk, from: SimPeer) => VersionVector): (world: World) => void {
  return chunks((chunk, from) =>
    chunk.last || chunk.exact ? chunk : { ...chunk, claims: make(chunk, from) },
  );
}

function lowestOf(chunk: Chunk): Map<Chunk['entries'][number]['origin'], number> {
  return new Map(chunk.entries.map(({ origin, seq }) => [origin, seq]));
}

/** Rule 2 as one might think it holds: down to just above the next seq of that origin that is still to be sent. */
function downToNextUnsent(chunk: Chunk, from: SimPeer): VersionVector {
  const result = new VersionVector();
  for (const [origin, lowest] of lowestOf(chunk)) {
    const next = [...from.storage.dots(BUCKET, origin, 1, lowest - 1, 'falling')][0]?.seq ?? 0;
    result.addAll(origin, atLeast(from.bucketNamed(BUCKET).vector.get(origin), next + 1));
  }
  return result;
}

/** Rule 1 left out: a cursor that goes on below what was sent and so misses what was written in between. */
function cursor(): (world: World) => void {
  const reached = new Map<string, Stamp>();
  return chunks((chunk, from, to) => {
    const key = `${from.url} ${to.url} ${chunk.request}`;
    const former = reached.get(key);
    const entries = former === undefined ? chunk.entries : chunk.entries.filter((e) => e.stamp < former);
    const last = entries.at(-1);
    if (last) reached.set(key, last.stamp);
    return entries.length === chunk.entries.length ? chunk : { ...chunk, entries };
  });
}

/** Rule 7 left out: a chunk that a process asked for before it crashed reaches the next one. */
function staleChunks(): (world: World) => void {
  const first = new Map<string, { chunk: Chunk; life: number }>();
  return chunks((chunk, from, to) => {
    if (chunk.n > 0 || chunk.exact) return chunk;
    const key = `${from.url} ${to.url}`;
    const former = first.get(key);
    if (former && former.life < to.life) return { ...former.chunk, request: chunk.request, last: chunk.last };
    first.set(key, { chunk, life: to.life });
    return chunk;
  });
}

function lastArrivalWins(replica: Replica): void {
  for (const bucket of replica.core.buckets.values()) {
    const policy: Policy = { ...bucket.policy, admit: (_, next) => [next] };
    Object.assign(bucket, { policy });
  }
}

/** Sends every push on, be it news or not. */
function forwardsEverything(replica: Replica): void {
  const handle = replica.handle.bind(replica);
  Object.assign(replica, {
    handle: (input: Input, now: Now): Step => {
      const step = handle(input, now);
      const pushes = input.kind === 'received' ? input.messages.filter(({ bytes }) => isPush(bytes)) : [];
      const again = pushes.flatMap(({ link: from, bytes }) =>
        [...replica.core.links.keys()].filter((link) => link !== from).map((link) => ({ link, bytes })),
      );
      return { ...step, sends: [...step.sends, ...again] };
    },
  });
}

const isPush = (bytes: Uint8Array): boolean => decodeMessage(bytes).type === 'push';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'rule 1: a delta goes on from a cursor instead of scanning anew',
    faults: LINKS,
    draw: { keys: 60, setup: { delayMs: [50, 400], deltaChunkBytes: 40 } },
    sabotage: (world) => cursor()(world),
    found: LOST,
  },
  {
    name: 'rule 2: a chunk claims everything that the sender covers',
    faults: LINKS,
    sabotage: claims((_, from) => from.bucketNamed(BUCKET).vector.clone()),
    found: LOST,
  },
  {
    name: 'rule 2: a chunk claims all of the origins in it',
    faults: LINKS,
    sabotage: claims((chunk, from) => {
      const whole = [...lowestOf(chunk).keys()].map(
        (o) => [o, from.bucketNamed(BUCKET).vector.get(o)] as const,
      );
      return new VersionVector(whole);
    }),
    found: LOST,
  },
  {
    name: 'rule 2: a chunk claims down to the next seq that is still to be sent',
    faults: LINKS,
    sabotage: claims(downToNextUnsent),
    found: LOST,
  },
  {
    name: 'rule 4: a delta goes oldest first',
    faults: LINKS,
    sabotage: chunks((chunk, from) =>
      chunk.n > 0 || chunk.last ? chunk : { ...chunk, entries: [], claims: claimsAbove(chunk, from) },
    ),
    found: LOST,
  },
  {
    name: 'rule 7: a chunk from before a crash is taken after it',
    faults: ['crash', 'start', 'cut', 'heal', 'breakLink'],
    sabotage: (world) => staleChunks()(world),
    found: LOST,
  },
  {
    name: 'rule 8: `exact` is left out',
    faults: ['skew', 'setRight', 'cut', 'heal', 'breakLink'],
    sabotage: chunks((chunk, from) =>
      chunk.exact && chunk.last
        ? { ...chunk, exact: false, claims: from.bucketNamed(BUCKET).vector.clone() }
        : chunk.exact
          ? { ...chunk, exact: false }
          : chunk,
    ),
    found: LOST,
  },
  {
    name: 'invariant 3: a crashed peer goes on under its origin',
    faults: ['crash', 'start', 'breakLink'],
    sabotage: peers(() => ({ keepsOrigin: true })),
    found: /^(origin|invented|altered|coverage|note divergence|unequal)$/,
  },
  {
    name: 'invariant 2: a write is acknowledged before it is flushed',
    faults: ['crash', 'start', 'cut', 'heal'],
    sabotage: peers(() => ({ acknowledgesEarly: true })),
    found: /^lost$/,
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
    found: LOST,
  },
  {
    name: 'invariant 6: what is no news is forwarded',
    faults: [],
    sabotage: peers(() => ({ replica: forwardsEverything })),
    found: /^twice$/,
  },
  {
    name: 'rule 9: the clock is not stored, and goes back over a restart',
    faults: ['skew', 'setRight', 'leave', 'start'],
    sabotage: peers(() => ({
      commit: ({ puts, vectors, floors, totals, damages, members }) => ({
        ...{ puts, vectors, floors, totals, damages, members },
      }),
    })),
    found: /^origin$/,
  },
  {
    name: 'no anti-entropy',
    faults: LINKS,
    sabotage: messages((message) =>
      message.type === 'digest' || message.type === 'vectors' ? undefined : message,
    ),
    found: /^unequal$/,
  },
];

/** What a chunk would claim that leaves its own entries out. */
function claimsAbove(chunk: Chunk, from: SimPeer): VersionVector {
  const result = new VersionVector();
  for (const [origin, lowest] of lowestOf(chunk)) {
    result.addAll(origin, atLeast(from.bucketNamed(BUCKET).vector.get(origin), lowest + 1));
  }
  return result;
}
