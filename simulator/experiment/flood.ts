import type { LinkId, OriginId } from '../../src/base/ids.js';
import type { Broadcast } from '../../src/protocol/broadcast.js';

/** What broadcast trees are measured against: each frame goes to all neighbours but the one that it came from. */
export class Flood implements Broadcast {
  readonly #links = new Set<LinkId>();

  linkUp(link: LinkId): void {
    this.#links.add(link);
  }

  linkDown(link: LinkId): void {
    this.#links.delete(link);
  }

  *targets(_: OriginId, from: LinkId | undefined): Iterable<LinkId> {
    for (const link of this.#links) if (link !== from) yield link;
  }

  duplicate(): boolean {
    return false;
  }

  news(): void {
    // What comes in changes nothing about where frames go.
  }

  prune(): void {
    // Whoever wants no more gets it all the same.
  }

  graft(): void {
    // Everybody gets everything already.
  }
}
