import { Random } from '../../../src/base/random.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { urlOf, World } from '../../../simulator/world.js';
import { type Counts, minus, sumOf } from './counts.js';

/** Until the mesh stands and what has to be compared is compared, milliseconds of virtual time. */
const FORM_MS = 20_000;
const KEYS = 2000;
/** As real peers have it by default. */
const DELTA_CHUNK_BYTES = 131_072;
const DIAL_BACKOFF_MS = [200, 15_000] as const;

export interface Course {
  readonly peers: number;
  readonly ms: number;
  readonly seed: number;
  /** The least and the longest time that a message takes, milliseconds. */
  readonly delayMs: readonly [number, number];
  /** How much longer it takes between the first peer and the last, milliseconds. */
  readonly slowMs: number;
  readonly writes: readonly { readonly place: number; readonly afterMs: number }[];
  /** When who is killed and for how long, milliseconds from the beginning; the places as in the real mesh. */
  readonly kills: readonly Kill[];
}

export interface Kill {
  readonly place: number;
  readonly afterMs: number;
  readonly forMs: number;
}

/** What the simulator counts where so many peers join one after the other and take the same load, with the same faults. */
export function predict({ peers, ms, seed, delayMs, slowMs, writes, kills }: Course): Counts {
  const world = new World(seed, { network: { delayMs } });
  const random = Random.fromNumber(seed);
  for (let place = 0; place < peers; place++) {
    world.addPeer({
      peers: place === 0 ? [] : [urlOf(random.integer(0, place - 1))],
      settings: { deltaChunkBytes: DELTA_CHUNK_BYTES, auditMs: 10_000, dialBackoffMs: DIAL_BACKOFF_MS },
    });
    world.run(world.now + 500);
  }
  world.run(world.now + FORM_MS);
  // What a process has counted ends with it.
  const ended: Counts[] = [];
  const total = (): Counts => sumOf([...ended, ...world.running.map(countersOf)]);
  const before = total();
  const from = world.now;
  const [first, last] = [world.peers[0], world.peers.at(-1)] as [SimPeer, SimPeer];
  if (slowMs > 0) world.network.lagBetween(first, last, slowMs, ms);
  for (const { place, afterMs, forMs } of kills) {
    const peer = world.peers[place] as SimPeer;
    world.at(from + afterMs, () => {
      ended.push(countersOf(peer));
      peer.crash();
    });
    world.at(from + afterMs + forMs, () => peer.start());
  }
  for (const [i, { place, afterMs }] of writes.entries())
    world.at(from + afterMs, () => {
      const peer = world.peers[place] as SimPeer;
      if (peer.running) peer.set(`key-${i % KEYS}`, `${i}`);
    });
  world.run(from + ms);
  return minus(total(), before);
}

const countersOf = ({ replica }: SimPeer): Counts => ({ ...replica.core.counters });
