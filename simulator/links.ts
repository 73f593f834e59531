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
  /** How often the peer at this end has asked for each of them since. */
  readonly askedFor: Map<string, number>;
}

/** A link as one of its sides sees it: that side, and the other one. */
type Sides = readonly [here: End, there: End];

/** The live links: those in which at least one side believes, in the order in which they were opened. */
export class Links {
  /** By the number that the link has at that side; no number is given twice. */
  readonly #sides = new Map<LinkId, Sides>();
  readonly #all = new Set<SimLink>();
  readonly #byPeer = new Map<SimPeer, Set<SimLink>>();
  readonly #byEnd = new Map<LinkId, SimLink>();
  #last = 0;

  get all(): SimLink[] {
    return [...this.#all];
  }

  get size(): number {
    return this.#all.size;
  }

  /** The links that a peer has or had, and that have not ended on both sides. */
  of(peer: SimPeer): SimLink[] {
    return [...(this.#byPeer.get(peer) ?? [])];
  }

  nextId(): LinkId {
    return ++this.#last as LinkId;
  }

  add(link: SimLink): void {
    const [a, b] = link.ends;
    this.#sides.set(a.link, [a, b]).set(b.link, [b, a]);
    this.#all.add(link);
    for (const { peer, link: id } of link.ends) {
      this.#byEnd.set(id, link);
      const links = this.#byPeer.get(peer);
      if (links) links.add(link);
      else this.#byPeer.set(peer, new Set([link]));
    }
  }

  /** This side no longer believes in its link. */
  remove({ link: id }: End): void {
    this.#sides.delete(id);
    const link = this.#byEnd.get(id);
    this.#byEnd.delete(id);
    if (!link || link.ends.some((end) => this.#sides.has(end.link))) return;
    this.#all.delete(link);
    for (const { peer } of link.ends) this.#byPeer.get(peer)?.delete(link);
  }

  /** This end and the other one of a link in which this end still believes. */
  ends(id: LinkId): Sides | undefined {
    return this.#sides.get(id);
  }

  /** The n-th link, counted round. */
  nth(n: number): SimLink | undefined {
    const all = this.all;
    return all[n % Math.max(1, all.length)];
  }
}
