import { RumeurError } from '../../base/errors.js';
import { isId, type PeerId } from '../../base/ids.js';
import type { Link } from '../../protocol/link.js';
import type { Core } from '../core.js';
import type { Turn } from '../turn.js';

/** What people decide: peers that they add by hand, and those that they keep out. */
export class Requests {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** @throws RumeurError `OVERLOADED` when no further address can be kept */
  addPeer(turn: Turn, url: string): void {
    const { addresses } = this.#core;
    if (addresses.isFull && !addresses.get(url)) {
      const hint = 'remove peers that are gone, or raise limits.addresses';
      throw new RumeurError('OVERLOADED', 'no further address can be kept', { hint });
    }
    addresses.add(url);
    turn.note('info', 'peer-added', `added ${url}`);
  }

  /**
   * Forgets a peer and keeps it out, by address and by id.
   * @returns the links to it, which are to end
   * @throws RumeurError `NOT_FOUND`
   */
  removePeer(turn: Turn, target: string): Link[] {
    const byId = isId(target) ? (target as PeerId) : undefined;
    const known = byId === undefined ? this.#core.addresses.get(target) : undefined;
    const named = byId ?? known?.record.id;
    const reached = [...this.#core.links.values()].filter(({ url, hello }) => {
      if (!hello) return false;
      return named === undefined ? hello.url === target || url === target : hello.peer === named;
    });
    const id = named ?? reached[0]?.hello?.peer;
    const urls = this.#urlsOf(id, reached);
    if (known && !known.record.removed) urls.add(target);
    if (urls.size === 0 && reached.length === 0) {
      throw new RumeurError('NOT_FOUND', `no peer is known as '${target}'`, {
        hint: 'getPeers lists those that are',
      });
    }
    this.#core.addresses.remove([...urls], id);
    turn.note('info', 'peer-removed', `removed ${target}`, { id });
    // A link without a HELLO yet is refused when it comes, as it tells the id to keep out.
    return [...this.#core.links.values()].filter(
      ({ hello, url }) => hello && (urls.has(url ?? '') || hello.peer === id),
    );
  }

  /** Every address of a peer. What it says of itself counts unless somebody else answers there. */
  #urlsOf(id: PeerId | undefined, links: readonly Link[]): Set<string> {
    const urls = new Set<string>();
    for (const { url, hello } of links) {
      if (url !== undefined) urls.add(url);
      const owner = this.#core.addresses.get(hello?.url ?? '')?.record.id;
      if (hello?.url && (owner === undefined || owner === id)) urls.add(hello.url);
    }
    for (const { record } of this.#core.addresses.active()) {
      if (id !== undefined && record.id === id) urls.add(record.url);
    }
    return urls;
  }
}
