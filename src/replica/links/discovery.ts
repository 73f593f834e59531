import { isIP } from 'node:net';
import { parsePeerUrl } from '../../base/url.js';
import { isLoopbackHost } from '../../config/addresses.js';
import type { KnownAddress } from '../../protocol/address-book.js';
import { MAX_ADDRESSES } from '../../protocol/limits.js';
import type { Link } from '../../protocol/link.js';
import type { Address, Hello, Peers } from '../../protocol/messages.js';
import { activeLinks, type Core, linkedPeers } from '../core.js';
import type { Turn } from '../turn.js';
import type { Liveness } from './suspicions.js';
import type { Views } from './views.js';

/** In a crowd a new neighbour is told of so many peers: enough to find a few links among them. */
const TOLD = 16;

/** Which peers there are and where: what neighbours tell. In a mesh everybody hears of everybody, in a crowd of some. */
export class Discovery {
  readonly #core: Core;
  readonly #views: Views;
  readonly #liveness: Liveness;

  constructor(core: Core, views: Views, liveness: Liveness) {
    this.#core = core;
    this.#views = views;
    this.#liveness = liveness;
  }

  /** A peer has introduced itself. */
  introduced(turn: Turn, link: Link, { url, peer, name }: Hello): void {
    if (url !== null) this.learn(turn, link, [{ url, id: peer, name }]);
  }

  /** Tells a new neighbour whom we know. */
  share(turn: Turn, link: Link, hello: Hello): void {
    if (!this.#core.options.discovery) return;
    const isCrowd = this.#views.isCrowded;
    const addresses = isCrowd
      ? [...this.ofNeighbours(TOLD / 2, link), ...this.ofOthers(TOLD / 2)]
      : this.#all().filter(({ id }) => id !== hello.peer);
    if (addresses.length > 0) {
      turn.send(link, { type: 'peers', addresses: addresses.slice(0, MAX_ADDRESSES) });
    }
  }

  #all(): Address[] {
    return [...this.#core.addresses.active()].flatMap((known) => addressOf(known) ?? []);
  }

  /** Our own address, unless we cannot be dialled. */
  own(): Address[] {
    const { self, options } = this.#core;
    return options.url === null ? [] : [{ url: options.url, id: self.peer, name: options.name }];
  }

  /** Up to `count` neighbours that can be dialled, at random. */
  ofNeighbours(count: number, but: Link): Address[] {
    const others = activeLinks(this.#core).filter((link) => link !== but);
    this.#core.random.shuffle(others);
    const addresses = others.flatMap(({ hello }) =>
      hello?.url ? [{ url: hello.url, id: hello.peer, name: hello.name }] : [],
    );
    return addresses.slice(0, count);
  }

  /** Up to `count` addresses of peers without a link to us, at random: none that failed, or is down, nor of these. */
  ofOthers(count: number, but: readonly Address[] = []): Address[] {
    const left = new Set(but.map(({ url }) => url));
    const idle = [...this.#core.addresses.idle(linkedPeers(this.#core))];
    const sound = idle.filter(({ failures, record: { url, id } }) => {
      return failures === 0 && !left.has(url) && id !== undefined && !this.#liveness.isDown(id);
    });
    this.#core.random.shuffle(sound);
    return sound.flatMap((known) => addressOf(known) ?? []).slice(0, count);
  }

  peers(turn: Turn, link: Link, message: Peers): void {
    this.learn(turn, link, message.addresses);
  }

  /** The record of a member says where it is. Others have its record from elsewhere: this goes no further. */
  heardOf(from: Link, address: Address): void {
    if (!this.#core.options.discovery || !this.#isNews(from, address)) return;
    this.#views.update();
  }

  /** Takes an address into the book, if it may be of use. @returns whether it is news */
  #isNews(from: Link, { url, id, name }: Address, bound = this.#bound()): boolean {
    const isUsable = id !== this.#core.self.peer && isCanonical(url) && isReachableFrom(from, url);
    return isUsable && this.#core.addresses.learn(url, id, name, bound);
  }

  #bound(): ReturnType<Views['sample']> {
    return this.#views.sample(linkedPeers(this.#core));
  }

  /**
   * Takes what a neighbour says. In a mesh news goes on to the other neighbours; what was known stops here, so that nothing
   * loops. In a crowd it stays here: not everybody can know everybody.
   */
  learn(turn: Turn, from: Link, addresses: readonly Address[]): void {
    if (!this.#core.options.discovery) return;
    const bound = this.#bound();
    const news = addresses.filter((address) => this.#isNews(from, address, bound));
    if (news.length === 0) return;
    this.#views.update();
    if (this.#views.isCrowded) return;
    for (const link of activeLinks(this.#core)) {
      if (link !== from) turn.send(link, { type: 'peers', addresses: news });
    }
  }
}

function addressOf({ record: { url, id, name } }: KnownAddress): Address | undefined {
  return id === undefined ? undefined : { url, id, name: name ?? '' };
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
