import { decodeMessage, unpackOps } from '../../src/protocol/codec.js';
import type { Dot } from '../../src/data/dot.js';
import { dotToText } from '../../src/data/dot.js';
import type { SimPeer } from '../sim-peer.js';
import type { World } from '../world.js';

/** Who got a write when, over how many links. */
interface Arrival {
  readonly afterMs: number;
  readonly hops: number;
}

interface Traced {
  readonly madeAt: number;
  readonly arrivals: Map<SimPeer, Arrival>;
}

/** Follows each write from peer to peer, by the messages that carry it. */
export class Trace {
  readonly #world: World;
  readonly #writes = new Map<string, Traced>();
  /** Pushed operations that arrived, and those of them and of deltas that were news. */
  pushed = 0;
  pushedNews = 0;
  deltaNews = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get size(): number {
    return this.#writes.size;
  }

  made(writer: SimPeer, dot: Dot): void {
    const arrivals = new Map([[writer, { afterMs: 0, hops: 0 }]]);
    this.#writes.set(dotToText(dot), { madeAt: this.#world.now, arrivals });
  }

  delivered(from: SimPeer, to: SimPeer, kind: string, bytes: Uint8Array): void {
    if (kind === 'push') {
      const message = decodeMessage(bytes);
      if (message.type !== 'push') return;
      for (const op of unpackOps(message.origin, message.body)) {
        this.pushed++;
        if (this.#arrived(from, to, op)) this.pushedNews++;
      }
    } else if (kind === 'chunk') {
      const message = decodeMessage(bytes);
      if (message.type !== 'chunk') return;
      for (const entry of message.entries) if (this.#arrived(from, to, entry)) this.deltaNews++;
    }
  }

  /** @returns whether it was news */
  #arrived(from: SimPeer, to: SimPeer, dot: Dot): boolean {
    const traced = this.#writes.get(dotToText(dot));
    if (!traced || !to.running || traced.arrivals.has(to)) return false;
    const hops = (traced.arrivals.get(from)?.hops ?? 0) + 1;
    traced.arrivals.set(to, { afterMs: this.#world.now - traced.madeAt, hops });
    return true;
  }

  /** How long and over how many links each write took to each peer but its writer. */
  arrivals(): Arrival[] {
    return [...this.#writes.values()].flatMap(({ arrivals }) => [...arrivals.values()].slice(1));
  }
}
