import { Random } from '../../../src/base/random.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { urlOf, World } from '../../../simulator/world.js';
import { type Cost, costOf, type Counts, minus, sumOf } from './counts.js';

/** On loopback, milliseconds. */
const DELAY_MS = [0.1, 1] as const;
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
  /** How long a busy process lets lie what has come in, milliseconds. */
  readonly busyMs: number;
  readonly slow?: { readonly places: readonly [number, number]; readonly ms: number };
  readonly writes: readonly { readonly place: number; readonly afterMs: number }[];
  /** When who is killed and for how long, milliseconds from the beginning; the places as in the real mesh. */
  readonly kills: readonly Kill[];
}

export interface Kill {
  readonly place: number;
  readonly afterMs: number;
  readonly forMs: number;
}

/**
 * What the simulator counts where so many peers join one after the other and take the same load, with the same faults.
 * It keeps this process busy: not while links of real peers go through it.
 */
export function predict({ peers, ms, seed, busyMs, slow, writes, kills }: Course): Cost {
  const world = new World(seed, { network: { delayMs: DELAY_MS } });
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
  const peerAt = (place: number): SimPeer => world.peers[place] as SimPeer;
  if (slow) world.network.lagBetween(peerAt(slow.places[0]), peerAt(slow.places[1]), slow.ms, ms);
  for (const peer of world.peers) peer.slowDown(busyMs, ms);
  for (const { place, afterMs, forMs } of kills) {
    const peer = peerAt(place);
    world.at(from + afterMs, () => {
      ended.push(countersOf(peer));
      peer.crash();
    });
    world.at(from + afterMs + forMs, () => {
      peer.start();
      peer.slowDown(busyMs, ms);
    });
  }
  for (const [i, { place, afterMs }] of writes.entries())
    world.at(from + afterMs, () => {
      const peer = peerAt(place);
      if (peer.running) peer.set(`key-${i % KEYS}`, `${i}`);
    });
  world.run(from + ms);
  return costOf(minus(total(), before), peers);
}

const countersOf = ({ replica }: SimPeer): Counts => ({ ...replica.core.counters });
