import type { LinkId } from '../src/base/ids.js';
import type { Random } from '../src/base/random.js';
import type { SimPeer } from './sim-peer.js';

/** One connection between two processes. */
export interface SimLink {
  readonly ends: readonly [End, End];
}

/** One side of a link, with what is under way to it. */
export interface End {
  readonly peer: SimPeer;
  readonly life: number;
  readonly link: LinkId;
  readonly random: Random;
  readonly delayMs: readonly [number, number];
  /** This side still believes in the link. */
  open: boolean;
  /** When the last message under way to this end arrives: later ones come after it. */
  lastArrival: number;
  /** Every message to this end takes so much longer until then. */
  lag: { readonly ms: number; readonly until: number };
  /** Something vanished on its way here: no transport delivers what comes after a hole. */
  holed: boolean;
  /** What a stalled network holds for this end. */
  held: (() => void)[];
  /** Dots pushed towards this end, to prove that none comes twice. */
  readonly pushed: Set<string>;
}

/** The live links, by the peers and numbers at both ends. */
export class Links {
  readonly #byEnd = new Map<string, SimLink>();
  #last = 0;

  get all(): SimLink[] {
    return [...new Set(this.#byEnd.values())];
  }

  get size(): number {
    return this.all.length;
  }

  nextId(): LinkId {
    return ++this.#last as LinkId;
  }

  add(link: SimLink): void {
    for (const { peer, link: id } of link.ends) this.#byEnd.set(keyOf(peer, id), link);
  }

  remove({ peer, link }: End): void {
    this.#byEnd.delete(keyOf(peer, link));
  }

  /** This end and the other one of a link in which this end still believes. */
  ends(peer: SimPeer, id: LinkId): readonly [End, End] | undefined {
    const ends = this.#byEnd.get(keyOf(peer, id))?.ends;
    if (!ends) return undefined;
    return ends[0].link === id ? ends : [ends[1], ends[0]];
  }

  /** The n-th link, counted round. */
  nth(n: number): SimLink | undefined {
    const all = this.all;
    return all[n % Math.max(1, all.length)];
  }
}

const keyOf = (peer: SimPeer, link: LinkId): string => `${peer.url} ${link}`;
