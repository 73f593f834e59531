import { decodeMessage, unpackOps } from '../../src/protocol/codec.js';
import type { Dot } from '../../src/data/dot.js';
import { dotToText } from '../../src/data/dot.js';
import type { SimPeer } from '../sim-peer.js';
import type { World } from '../world.js';

/** Where a write has arrived. By the places of the peers, and in plain numbers: there may be millions of arrivals. */
interface Traced {
  readonly madeAt: number;
  /** One more than the links that it crossed; 0: it has not arrived. */
  readonly hops: Uint16Array;
  /** Milliseconds after it was made. */
  readonly afterMs: Float32Array;
}

/** What one frame brings: how many operations, and the traced ones. */
interface Load {
  readonly size: number;
  readonly writes: readonly Traced[];
}

const NOTHING: Load = { size: 0, writes: [] };

/** Of all arrivals but the writers' own. */
export interface Arrivals {
  readonly hops: { readonly mean: number; readonly most: number };
  /** How long each took, milliseconds, ascending. */
  readonly times: Float32Array;
}

/** Follows each write from peer to peer, by the messages that carry it. */
export class Trace {
  readonly #world: World;
  readonly #writes = new Map<string, Traced>();
  /** A frame comes to many peers in the same bytes: it is opened once. */
  readonly #loads = new WeakMap<Uint8Array, Load>();
  #arrivals = 0;
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
    const count = this.#world.peers.length;
    const traced = {
      madeAt: this.#world.now,
      hops: new Uint16Array(count),
      afterMs: new Float32Array(count),
    };
    traced.hops[writer.place] = 1;
    this.#writes.set(dotToText(dot), traced);
  }

  delivered(from: SimPeer, to: SimPeer, kind: string, bytes: Uint8Array): void {
    if (kind !== 'push' && kind !== 'chunk') return;
    const { size, writes } = this.#loadOf(bytes);
    let news = 0;
    for (const write of writes) if (this.#arrived(from, to, write)) news++;
    this.#arrivals += news;
    if (kind === 'chunk') this.deltaNews += news;
    else {
      this.pushed += size;
      this.pushedNews += news;
    }
  }

  #loadOf(bytes: Uint8Array): Load {
    let load = this.#loads.get(bytes);
    if (load === undefined) this.#loads.set(bytes, (load = this.#open(bytes)));
    return load;
  }

  #open(bytes: Uint8Array): Load {
    const message = decodeMessage(bytes);
    if (message.type !== 'push' && message.type !== 'chunk') return NOTHING;
    const dots = message.type === 'push' ? unpackOps(message.origin, message.body) : message.entries;
    const writes = dots.map((dot) => this.#writes.get(dotToText(dot))).filter((write) => write !== undefined);
    return { size: dots.length, writes };
  }

  /** @returns whether it was news */
  #arrived(from: SimPeer, to: SimPeer, { hops, afterMs, madeAt }: Traced): boolean {
    if (!to.running || hops[to.place] !== 0) return false;
    hops[to.place] = Math.max(1, hops[from.place] ?? 0) + 1;
    afterMs[to.place] = this.#world.now - madeAt;
    return true;
  }

  /** How long and over how many links each write took to each peer but its writer. */
  arrivals(): Arrivals {
    const times = new Float32Array(this.#arrivals);
    let [at, sum, most] = [0, 0, 0];
    for (const { hops, afterMs } of this.#writes.values()) {
      for (const [place, n] of hops.entries()) {
        if (n < 2) continue;
        times[at++] = afterMs[place] as number;
        sum += n - 1;
        most = Math.max(most, n - 1);
      }
    }
    return { hops: { mean: at === 0 ? 0 : sum / at, most }, times: times.sort() };
  }
}
