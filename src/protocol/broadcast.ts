import type { LinkId, OriginId } from '../base/ids.js';

/**
 * Decides where news goes. A state machine without time or I/O, so that another strategy can take its place;
 * correctness never rests on it, as anti-entropy repairs whatever it misses.
 */
export interface Broadcast {
  linkUp(link: LinkId): void;
  linkDown(link: LinkId): void;
  /** The links that get a new frame of `origin`, which came over `from` (`undefined`: written here). */
  targets(origin: OriginId, from: LinkId | undefined): Iterable<LinkId>;
  /** A frame without news came over a link. */
  duplicate(origin: OriginId, link: LinkId): void;
}

/**
 * Flooding: news goes to every link but the one it came over. As a dot is news only once (the version vector is
 * the seen-set), it crosses each link at most once in each direction.
 */
export class Flood implements Broadcast {
  readonly #links = new Set<LinkId>();

  linkUp(link: LinkId): void {
    this.#links.add(link);
  }

  linkDown(link: LinkId): void {
    this.#links.delete(link);
  }

  *targets(_origin: OriginId, from: LinkId | undefined): Iterable<LinkId> {
    for (const link of this.#links) if (link !== from) yield link;
  }

  duplicate(): void {
    // Flooding does not learn.
  }
}
