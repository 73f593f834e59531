import { atLeast } from '../../../src/data/intervals.js';
import type { Stamp } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { decodeMessage, encodeMessage } from '../../../src/protocol/codec.js';
import type { Chunk } from '../../../src/protocol/messages.js';
import type { Received } from '../../../src/replica/step.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import type { World } from '../../../simulator/world.js';
import { around, bucketOf, chunks, claims, LINKS, LOST, lowestOf, type Mutant } from './mutant.js';

/** Rule 2 as one might think it holds: down to just above the next seq of that origin that is still to be sent. */
function downToNextUnsent(chunk: Chunk, from: SimPeer): VersionVector {
  const result = new VersionVector();
  for (const [origin, lowest] of lowestOf(chunk)) {
    const next = [...from.storage.dots(bucketOf(from).name, origin, 1, lowest - 1, 'falling')][0]?.seq ?? 0;
    result.addAll(origin, atLeast(bucketOf(from).vector.get(origin), next + 1));
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

/** What a chunk would claim that leaves its own entries out. */
function claimsAbove(chunk: Chunk, from: SimPeer): VersionVector {
  const result = new VersionVector();
  for (const [origin, lowest] of lowestOf(chunk)) {
    result.addAll(origin, atLeast(bucketOf(from).vector.get(origin), lowest + 1));
  }
  return result;
}

/** Rule 3 left out: the last claim is made of what the sender covers when the chunk arrives, not when it was scanned. */
function lateClaims(world: World): void {
  world.sabotage = {
    replica: (replica) => {
      const later = ({ link, bytes }: Received): Received => {
        const message = decodeMessage(bytes);
        const id = replica.core.links.get(link)?.hello?.peer;
        const from = world.running.find((peer) => peer.replica.peerId === id);
        if (message.type !== 'chunk' || !message.last || message.exact || !from) return { link, bytes };
        const changed = { ...message, claims: bucketOf(from).vector.clone() };
        return { link, bytes: encodeMessage(changed) };
      };
      around(replica, {
        input: (input) =>
          input.kind === 'received' ? { ...input, messages: input.messages.map(later) } : input,
      });
    },
  };
}

/** The rules of deltas. */
export const DELTA_MUTANTS: readonly Mutant[] = [
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
    sabotage: claims((_, from) => bucketOf(from).vector.clone()),
    found: LOST,
  },
  {
    name: 'rule 2: a chunk claims all of the origins in it',
    faults: LINKS,
    sabotage: claims((chunk, from) => {
      const whole = [...lowestOf(chunk).keys()].map((o) => [o, bucketOf(from).vector.get(o)] as const);
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
    name: 'rule 3: a chunk is the last one although there is more',
    faults: LINKS,
    sabotage: chunks((chunk, from) =>
      chunk.exact ? chunk : { ...chunk, last: true, claims: bucketOf(from).vector.clone() },
    ),
    found: LOST,
  },
  {
    name: 'rule 3: the last claim is newer than the scan',
    faults: LINKS,
    sabotage: lateClaims,
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
    name: 'rule 5: `fww` claims from the lowest seq upwards',
    faults: LINKS,
    policy: 'fww',
    sabotage: claims((chunk, from) => {
      const result = new VersionVector();
      const { vector } = bucketOf(from);
      for (const [origin, lowest] of lowestOf(chunk))
        result.addAll(origin, atLeast(vector.get(origin), lowest));
      return result;
    }),
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
        ? { ...chunk, exact: false, claims: bucketOf(from).vector.clone() }
        : chunk.exact
          ? { ...chunk, exact: false }
          : chunk,
    ),
    found: LOST,
  },
];
