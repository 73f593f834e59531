import type { LinkId, OriginId } from '../base/ids.js';
import { RecentMap } from '../base/recent-map.js';
import type { Broadcast } from './broadcast.js';

/**
 * So many frames that were no news, more than those that were, and a link leaves the tree of their origin. At the first one
 * already, chance would decide where two ways are about as long; see docs/GOSSIP.md for what each number costs.
 */
const PRUNE_AFTER = 2;
/** Frames with news in a row over links that left the tree: they were not told, or have nobody else to tell them. */
const REJOIN_AFTER = 8;
/** Trees that are remembered at least: those of the origins that wrote last. */
const MOST_TREES = 4096;

/** What was learned about the way of one origin's writes through us. */
interface Tree {
  /** Links over which its frames are announced only. All others carry them. */
  readonly lazy: Set<LinkId>;
  /** Frames without news that came over a link, less those with news. */
  readonly duplicates: Map<LinkId, number>;
  /** It comes straight from its writer, who is linked to everybody: new links are lazy too, while that is so. */
  readonly isStar: boolean;
  /** Frames with news in a row that came over a lazy link. */
  strays: number;
}

/**
 * Epidemic broadcast trees (Leitão, Pereira, Rodrigues: "Epidemic Broadcast Trees", 2007), one for each origin: a frame
 * goes on over eager links, and is announced over lazy ones. A link over which frames come late becomes lazy, one over
 * which something had to be asked for becomes eager. As each tree grows from what came first, it follows the shortest ways
 * from its origin, and finds new ones when they change. Where everybody is linked to everybody it is a star from the start.
 */
export class Plumtree implements Broadcast {
  readonly #links = new Set<LinkId>();
  readonly #trees = new RecentMap<OriginId, Tree>(MOST_TREES);
  readonly #isMesh: () => boolean;
  readonly #pruneAfter: number;

  /**
   * @param isMesh whether all peers are linked to each other, or soon will be
   * @param pruneAfter frames without news, more than those with news, after which a link leaves a tree
   */
  constructor(isMesh: () => boolean, pruneAfter = PRUNE_AFTER) {
    this.#isMesh = isMesh;
    this.#pruneAfter = pruneAfter;
  }

  linkUp(link: LinkId): void {
    // The heir of a younger link carries what it carried before.
    if (this.#links.has(link)) return;
    this.#links.add(link);
    if (!this.#isMesh()) return;
    for (const { isStar, lazy } of this.#trees.values()) if (isStar) lazy.add(link);
  }

  linkDown(link: LinkId): void {
    this.#links.delete(link);
    for (const { lazy, duplicates } of this.#trees.values()) {
      lazy.delete(link);
      duplicates.delete(link);
    }
  }

  *targets(origin: OriginId, from: LinkId | undefined, hops: number): Iterable<LinkId> {
    const known = this.#trees.get(origin);
    const tree = known?.isStar === true ? known : (this.#starOf(from, hops) ?? known);
    // What is used is not forgotten.
    if (tree) this.#trees.set(origin, tree);
    for (const link of this.#links) if (link !== from && tree?.lazy.has(link) !== true) yield link;
  }

  #starOf(from: LinkId | undefined, hops: number): Tree | undefined {
    if (hops !== 1 || from === undefined || !this.#isMesh()) return undefined;
    const others = [...this.#links].filter((link) => link !== from);
    return { lazy: new Set(others), duplicates: new Map(), isStar: true, strays: 0 };
  }

  /** To note something in it; of origins without a tree all links are eager. */
  #treeOf(origin: OriginId): Tree {
    let tree = this.#trees.get(origin);
    if (!tree) {
      tree = { lazy: new Set(), duplicates: new Map(), isStar: false, strays: 0 };
      this.#trees.set(origin, tree);
    }
    return tree;
  }

  news(origin: OriginId, link: LinkId): void {
    const tree = this.#trees.get(origin);
    if (!tree) return;
    const { lazy, duplicates } = tree;
    tree.strays = lazy.has(link) ? tree.strays + 1 : 0;
    if (tree.strays >= REJOIN_AFTER) lazy.delete(link);
    const count = duplicates.get(link) ?? 0;
    if (count > 1) duplicates.set(link, count - 1);
    else duplicates.delete(link);
  }

  duplicate(origin: OriginId, link: LinkId): boolean {
    const { duplicates, lazy, strays } = this.#treeOf(origin);
    const count = (duplicates.get(link) ?? 0) + 1;
    // While the last news came over a link that is leaving, this one may be the only one left.
    if (count < this.#pruneAfter || strays > 0) {
      duplicates.set(link, Math.min(count, this.#pruneAfter));
      return false;
    }
    // Should the other side not have heard of it, it is told again after as many.
    duplicates.delete(link);
    lazy.add(link);
    return true;
  }

  prune(origin: OriginId, link: LinkId): void {
    if (this.#links.has(link)) this.#treeOf(origin).lazy.add(link);
  }

  graft(origin: OriginId, link: LinkId): void {
    const tree = this.#trees.get(origin);
    tree?.lazy.delete(link);
    tree?.duplicates.delete(link);
  }
}
