import { isIP } from 'node:net';
import { RumeurError } from '../../base/errors.js';
import { isId, type PeerId } from '../../base/ids.js';
import { parsePeerUrl } from '../../base/url.js';
import { isLoopbackHost } from '../../config/addresses.js';
import { MAX_ADDRESSES } from '../../protocol/limits.js';
import type { Link } from '../../protocol/link.js';
import type { Address, Hello, Peers } from '../../protocol/messages.js';
import { activeLinks, type Core } from '../core.js';
import type { Turn } from '../turn.js';

/** Which peers there are and where: what neighbours tell, what people add, and what they keep out. */
export class Discovery {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Tells a new neighbour whom we know, and the others about the new neighbour. */
  share(turn: Turn, link: Link, hello: Hello): void {
    if (!this.#core.options.discovery) return;
    const addresses: Address[] = [];
    for (const { record } of this.#core.addresses.active()) {
      const { url, id, name } = record;
      if (id !== undefined && id !== hello.peer) addresses.push({ url, id, name: name ?? '' });
    }
    if (addresses.length > 0) {
      turn.send(link, { type: 'peers', addresses: addresses.slice(0, MAX_ADDRESSES) });
    }
    if (hello.url !== null) this.#learn(turn, link, [{ url: hello.url, id: hello.peer, name: hello.name }]);
  }

  peers(turn: Turn, link: Link, message: Peers): void {
    if (this.#core.options.discovery) this.#learn(turn, link, message.addresses);
  }

  /** The record of a member says where it is. Others have its record from elsewhere: this goes no further. */
  heardOf(from: Link, address: Address): void {
    if (this.#core.options.discovery) this.#isNews(from, address);
  }

  /** Takes an address into the book, if it may be of use. @returns whether it is news */
  #isNews(from: Link, { url, id, name }: Address): boolean {
    const isUsable = id !== this.#core.self.peer && isCanonical(url) && isReachableFrom(from, url);
    return isUsable && this.#core.addresses.learn(url, id, name);
  }

  /** News about addresses goes on to the other neighbours; what was known stops here, so that nothing loops. */
  #learn(turn: Turn, from: Link, addresses: readonly Address[]): void {
    const news = addresses.filter((address) => this.#isNews(from, address));
    if (news.length === 0) return;
    for (const link of activeLinks(this.#core)) {
      if (link !== from) turn.send(link, { type: 'peers', addresses: news });
    }
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

/** A loopback address leads to whoever uses it: from a peer on another machine it means nothing here. */
function isReachableFrom(link: Link, url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const from = link.remote.replace(/ port \d+$/, '').replace(/^::ffff:/, '');
  return !isLoopbackHost(host) || isLoopbackHost(from) || !isIP(from);
}

function isCanonical(url: string): boolean {
  try {
    return parsePeerUrl(url) === url;
  } catch {
    return false;
  }
}
