import { isIP } from 'node:net';
import { parsePeerUrl } from '../../base/url.js';
import { isLoopbackHost } from '../../config/addresses.js';
import type { KnownAddress } from '../../protocol/address-book.js';
import type { PeerId } from '../../base/ids.js';
import { MAX_ADDRESSES } from '../../protocol/limits.js';
import type { Link } from '../../protocol/link.js';
import type { Address, Hello } from '../../protocol/messages.js';
import { activeLinks, type Core, linkedPeers } from '../core.js';
import type { Turn } from '../turn.js';
import { hostOf } from './offenders.js';
import { spend } from './quotas.js';
import type { Liveness } from './suspicions.js';
import type { Views } from './views.js';

/** In a crowd a new neighbour is told of so many peers: enough to find a few links among them. */
const TOLD = 16;
/** What is passed on waits so long for more, milliseconds: when a mesh forms, everybody meets everybody at once. */
const GATHERING_MS = 50;
/** Addresses in one such message. */
const MOST_AT_ONCE = 256;

/** Which peers there are and where: what neighbours tell. In a mesh everybody hears of everybody, in a crowd of some. */
export class Discovery {
  readonly #core: Core;
  readonly #views: Views;
  readonly #liveness: Liveness;

  /** Addresses of peers that were met lately: they are passed on then. */
  readonly #met: Address[] = [];
  #passOnAt = 0;

  constructor(core: Core, views: Views, liveness: Liveness) {
    this.#core = core;
    this.#views = views;
    this.#liveness = liveness;
  }

  /** A peer has introduced itself. */
  introduced(turn: Turn, link: Link, { url, peer, name }: Hello): void {
    this.learn(turn, link, toAddresses(url, peer, name));
  }

  /**
   * There is a link to a peer. In a mesh the other neighbours hear where it is, once for each address, and what comes up
   * shortly after in the same message. What others told us is not passed on before that: made-up addresses go no further
   * than to those whom their inventor knows. In a crowd nothing is passed on: not everybody can know everybody.
   */
  met(now: number, link: Link, { url, peer }: Hello): void {
    if (!this.#core.options.discovery || this.#views.isCrowded) return;
    if (this.#met.length === 0) this.#passOnAt = now + GATHERING_MS;
    for (const at of new Set([link.url, url])) this.#met.push(...this.#toPassOn(at, peer));
  }

  /** An address at which this peer was met, unless it was passed on already. */
  #toPassOn(url: string | null | undefined, peer: PeerId): Address[] {
    const known = this.#core.addresses.get(url ?? '');
    if (!known?.isUntold || known.record.removed || known.record.id !== peer) return [];
    known.isUntold = false;
    return addressOf(known);
  }

  wake(turn: Turn): void {
    if (this.#met.length === 0 || turn.now < this.#passOnAt) return;
    const met = this.#met.splice(0, MOST_AT_ONCE);
    for (const link of activeLinks(this.#core)) {
      const addresses = met.filter(({ id }) => id !== link.hello?.peer);
      if (addresses.length === 0 || !spend(link.quotas.told, turn.now, addresses.length)) continue;
      turn.send(link, { type: 'peers', addresses });
    }
  }

  nextWakeAt(): number {
    return this.#met.length === 0 ? Infinity : this.#passOnAt;
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
    return [...this.#core.addresses.active()].flatMap(addressOf);
  }

  /** Our own address, unless we cannot be dialled. */
  own(): Address[] {
    const { self, options } = this.#core;
    return toAddresses(options.url, self.peer, options.name);
  }

  /** Up to `count` neighbours that can be dialled, at random. */
  ofNeighbours(count: number, but: Link): Address[] {
    const others = activeLinks(this.#core).filter((link) => link !== but);
    this.#core.random.shuffle(others);
    return others.flatMap(({ hello }) => toAddresses(hello?.url, hello?.peer, hello?.name)).slice(0, count);
  }

  /** Up to `count` addresses of peers without a link to us, at random: none that failed, or is down, nor of these. */
  ofOthers(count: number, but: readonly Address[] = []): Address[] {
    const left = new Set(but.map(({ url }) => url));
    const idle = [...this.#core.addresses.idle(linkedPeers(this.#core))];
    const sound = idle.filter(({ failures, record: { url, id } }) => {
      return failures === 0 && !left.has(url) && id !== undefined && !this.#liveness.isDown(id);
    });
    this.#core.random.shuffle(sound);
    return sound.flatMap(addressOf).slice(0, count);
  }

  /** The record of a member says where it is: one address a member, as records change as often as their subjects like. */
  heardOf(turn: Turn, from: Link, addresses: readonly Address[]): void {
    const { memberAddresses } = from.quotas;
    if (!this.#core.options.discovery || memberAddresses.readyAt(turn.now) > turn.now) return;
    const bound = this.#bound();
    const news = addresses.filter((address) => {
      const { url, id, name } = address;
      return this.#isUsable(from, address) && this.#core.addresses.learnOfMember(url, id, name, bound);
    });
    if (news.length === 0) return;
    memberAddresses.spend(turn.now, news.length);
    this.#views.update(turn.now);
  }

  #isUsable(from: Link, { url, id }: Address): boolean {
    return id !== this.#core.self.peer && isCanonical(url) && isReachableFrom(from, url);
  }

  #bound(): ReturnType<Views['sample']> {
    return this.#views.sample(linkedPeers(this.#core));
  }

  /** Takes what a neighbour says into the book. */
  learn(turn: Turn, from: Link, addresses: readonly Address[]): void {
    if (!this.#core.options.discovery) return;
    const bound = this.#bound();
    const news = addresses.filter((address) => {
      const { url, id, name } = address;
      return this.#isUsable(from, address) && this.#core.addresses.learn(url, id, name, bound);
    });
    if (news.length > 0) this.#views.update(turn.now);
  }
}

/** The address as peers tell it to each other; none of who cannot be dialled, or whom nobody has met. */
export function toAddresses(
  url: string | null | undefined,
  id: PeerId | undefined,
  name: string | undefined,
): Address[] {
  return typeof url !== 'string' || id === undefined ? [] : [{ url, id, name: name ?? '' }];
}

const addressOf = ({ record: { url, id, name } }: KnownAddress): Address[] => toAddresses(url, id, name);

/** A loopback address leads to whoever uses it: from a peer on another machine it means nothing here. */
function isReachableFrom(link: Link, url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const from = hostOf(link);
  return !isLoopbackHost(host) || isLoopbackHost(from) || !isIP(from);
}

function isCanonical(url: string): boolean {
  try {
    return parsePeerUrl(url) === url;
  } catch {
    return false;
  }
}
