import type { SimPeer } from '../sim-peer.js';
import type { World } from '../world.js';

/** Where a write has arrived. By the places of the peers, and in plain numbers: there may be millions of arrivals. */
export interface Traced {
  readonly stretch: Stretch;
  readonly madeAt: number;
  /** Its origin had made enough writes before for its tree to have grown. */
  readonly isGrown: boolean;
  /** One more than the links that it crossed; 0: it has not arrived. */
  readonly hops: Uint8Array;
  /** Milliseconds after it was made. */
  readonly afterMs: Float32Array;
}

/** Over how many links writes came. */
export interface Hops {
  /** Over all arrivals but the writers' own. */
  readonly mean: number;
  /** The longest way of each write, on average over the writes. */
  readonly last: number;
  readonly most: number;
}

/** After so many writes of an origin it is known which links bring them first. */
export const TREES_GROW_IN = 5;

/** More than any way has links; what is counted fits into a byte. */
const MOST_HOPS = 254;

/** What became of the writes of a stretch of time. */
export class Stretch {
  readonly #world: World;
  readonly #writes: Traced[] = [];
  /** Operations that arrived in pushes and deltas. */
  received = 0;
  /** Those of them that were news, in pushes and in deltas. */
  pushedNews = 0;
  deltaNews = 0;
  /** Of the messages that brought news, the bytes of just the news: the theoretical minimum of what is sent. */
  leastBytes = 0;
  /** Of writes whose trees had grown: how many there are, operations that arrived, and those of them that were news. */
  readonly grown = { writes: 0, received: 0, needed: 0 };

  constructor(world: World) {
    this.#world = world;
  }

  get writes(): number {
    return this.#writes.length;
  }

  get needed(): number {
    return this.pushedNews + this.deltaNews;
  }

  /** Received operations over needed ones, minus 1. */
  get redundancy(): number {
    return this.needed === 0 ? 0 : this.received / this.needed - 1;
  }

  /** The same of writes whose trees had grown; `null` when none of them arrived anywhere. */
  get grownRedundancy(): number | null {
    const { received, needed } = this.grown;
    return needed === 0 ? null : received / needed - 1;
  }

  /** @param seq counts the writes of the origin, from 1 on */
  made(writer: SimPeer, seq: number): Traced {
    const count = this.#world.peers.length;
    const traced = {
      stretch: this,
      madeAt: this.#world.now,
      isGrown: seq > TREES_GROW_IN,
      hops: new Uint8Array(count),
      afterMs: new Float32Array(count),
    };
    traced.hops[writer.place] = 1;
    if (traced.isGrown) this.grown.writes++;
    this.#writes.push(traced);
    return traced;
  }

  delivered(
    from: SimPeer,
    to: SimPeer,
    { hops, afterMs, madeAt, isGrown }: Traced,
    kind: 'push' | 'chunk',
    bytes: number,
  ): void {
    if (!to.running) return;
    this.received++;
    if (isGrown) this.grown.received++;
    if (hops[to.place] !== 0) return;
    hops[to.place] = Math.min(MOST_HOPS, Math.max(1, hops[from.place] ?? 0)) + 1;
    afterMs[to.place] = this.#world.now - madeAt;
    this.leastBytes += bytes;
    if (isGrown) this.grown.needed++;
    if (kind === 'push') this.pushedNews++;
    else this.deltaNews++;
  }

  get hops(): Hops {
    let [count, sum, most, lasts] = [0, 0, 0, 0];
    for (const { hops } of this.#writes) {
      let last = 0;
      for (const n of hops) {
        if (n < 2) continue;
        count++;
        sum += n - 1;
        last = Math.max(last, n - 1);
      }
      lasts += last;
      most = Math.max(most, last);
    }
    return { mean: sum / Math.max(1, count), last: lasts / Math.max(1, this.writes), most };
  }

  /** How long each arrival but the writers' own took, milliseconds, ascending. */
  get times(): Float32Array {
    const times = new Float32Array(this.needed);
    let at = 0;
    for (const { hops, afterMs } of this.#writes)
      for (const [place, n] of hops.entries()) if (n > 1) times[at++] = afterMs[place] as number;
    return times.sort();
  }

  /** Of 1: of all pairs of a write and a peer that runs now, those in which the write has arrived, writers left out. */
  get share(): number {
    let [reached, all] = [0, 0];
    const { running } = this.#world;
    for (const { hops } of this.#writes)
      for (const { place } of running) {
        if (hops[place] === 1) continue;
        all++;
        if (hops[place] !== 0) reached++;
      }
    return all === 0 ? 1 : reached / all;
  }
}
