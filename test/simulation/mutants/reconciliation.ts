import type { ListedEntry, Listing } from '../../../src/protocol/messages.js';
import { standing } from '../../../src/data/cell.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { encodeMessage } from '../../../src/protocol/codec.js';
import type { Action } from '../plan/plan.js';
import { bucketOf, messages, type Mutant, planned, story } from './mutant.js';
import type { World } from '../../../simulator/world.js';

const holds = (peer: SimPeer, item: ListedEntry): boolean =>
  standing(peer.storage.get(bucketOf(peer).name, item.key), item) !== undefined;

/** Answers that drop too much: by what the answerer held when it was asked, and covers when it answers. */
function drops(mayDrop: (answerer: SimPeer, item: ListedEntry) => boolean): (world: World) => void {
  return (world) => {
    const asked = new Map<string, { listing: Listing; missing: Set<number> }>();
    messages((message, from, to) => {
      if (message.type === 'listing') {
        const missing = new Set(
          [...message.items.keys()].filter((i) => !holds(to, message.items[i] as ListedEntry)),
        );
        asked.set(`${from.url} ${message.request} ${message.n}`, { listing: message, missing });
      }
      // The asker believes its own vector, and so what it is told to drop.
      if (message.type === 'differ' && message.start) {
        const vector = message.start.vector.clone();
        vector.merge(bucketOf(to).vector);
        return { ...message, start: { ...message.start, vector } };
      }
      if (message.type !== 'answer') return message;
      const question = asked.get(`${to.url} ${message.request} ${message.n}`);
      if (!question) return message;
      const { listing, missing } = question;
      const drop = [...missing].filter(
        (i) => i < message.answered && mayDrop(from, listing.items[i] as ListedEntry),
      );
      return { ...message, drop: [...new Set([...message.drop, ...drop])].sort((a, b) => a - b) };
    })(world);
  };
}

/**
 * "Again, without dropping" left out: the second pass of a session is told that nothing differs. Pushes to peer 2 take
 * until the middle of its session; and no divergence is repaired, which would mend it later.
 */
function oncePerSession(world: World): void {
  const passes = new Map<string, number>();
  const underWay: { from: SimPeer; bytes: Uint8Array }[] = [];
  const late = (to: SimPeer): void => {
    for (const { from, bytes } of underWay.splice(0)) {
      const id = [...to.replica.core.links.values()].find(
        ({ hello }) => hello?.peer === from.replica.peerId,
      )?.id;
      if (id !== undefined) to.take({ kind: 'received', messages: [{ link: id, bytes }] });
    }
  };
  messages((message, from, to) => {
    const [asks, answers] = [`${from.url} ${to.url}`, `${to.url} ${from.url}`];
    if (message.type === 'push' && to === world.peers[2]) {
      underWay.push({ from, bytes: encodeMessage(message) });
      return undefined;
    }
    if (message.type === 'below') passes.set(answers, 0);
    if (message.type === 'deltaRequest') passes.delete(asks);
    if (message.type === 'compare' && message.n === 0) {
      const begun = passes.get(asks);
      if (begun === undefined) return undefined;
      passes.set(asks, begun + 1);
    }
    if (message.type !== 'differ' || message.n > 0) return message;
    if (to === world.peers[2]) late(to);
    return (passes.get(answers) ?? 0) < 2 ? message : { ...message, blocks: [] };
  })(world);
}

/** Old copies, evicted peers and newcomers fall below the floors of others, and have writes that these lack. */
const BELOW = ['evict', 'cut', 'heal', 'breakLink', 'join', 'restore', 'backUp'];
const SETUP = { announceMs: 100, membersOnly: false, delayMs: [50, 400] as const };

/** Peer 2 is cut off while `k1` is on its way to it; the others delete it, and the tombstone goes. */
const LATE_PUSH: readonly Action[] = [
  { at: 1000, peer: 2, bucket: 'a', do: 'set', key: 'k0', n: 1 },
  { at: 4000, peer: 1, bucket: 'a', do: 'set', key: 'k1', n: 2 },
  {
    at: 4200,
    do: 'cut',
    how: 'drop',
    ways: [
      [0, 2],
      [2, 0],
      [1, 2],
      [2, 1],
    ],
  },
  { at: 4500, peer: 0, bucket: 'a', do: 'delete', key: 'k1' },
  { at: 12_000, do: 'heal' },
];

/** Rule 13. */
export const RECONCILIATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'rule 13: what the answerer does not cover is dropped',
    faults: BELOW,
    draw: { setup: SETUP },
    sabotage: drops(() => true),
    found: /^(shed|coverage): /,
  },
  {
    name: 'rule 13: a listing is judged by a newer vector than it was compared with',
    faults: BELOW,
    draw: { keys: 60, setup: SETUP },
    sabotage: drops((answerer, item) => bucketOf(answerer).vector.covers(item)),
    found: /^shed: /,
  },
  {
    name: 'rule 13: what came during a session is not compared',
    plan: story(LATE_PUSH, { peers: planned(3).map((peer, i) => ({ ...peer, durable: i < 2 })) }),
    sabotage: oncePerSession,
    found: /^unequal: /,
  },
];
