import type { PeerId } from '../../base/ids.js';
import type { Link } from '../../protocol/link.js';
import type { Hello } from '../../protocol/messages.js';
import type { SampleBound } from '../../protocol/address-book.js';
import { activeLinks, type Core } from '../core.js';
import { type Bounds, Places, YOUNG_MS } from './places.js';
import type { Liveness } from './suspicions.js';

/** Below this part of `meshPeers` a crowd is none any more: who sits near the bound changes nothing for a while. */
const HYSTERESIS = 0.8;
/** About so often links beyond the wanted number end, milliseconds. */
const TRIM_MS = 1_000;
/**
 * Whether there are so few peers that each is linked to each, or a crowd, in which each keeps an *active view*, a few
 * links that are random and ever so slowly renewed, and a *passive view*, the addresses in its book, a random sample of
 * all. After HyParView (Leitão, Pereira and Rodrigues, 2007). There views are full at all times, and a join pushes
 * somebody out; here a peer dials while it has less than three quarters of `degree` links and takes half as many more,
 * so that most joins push out nobody, and what is beyond `degree` ends later, at random.
 */
export class Views {
  readonly #core: Core;
  readonly #liveness: Liveness;
  readonly #places: Places;
  #isCrowded = false;
  /** Live peers that we know, as far as we know. */
  #known = 0;
  #trimAt = 0;
  /** When some link is old enough to count, if that may make this a crowd, or end it. */
  #settledAt = Infinity;

  constructor(core: Core, liveness: Liveness) {
    this.#core = core;
    this.#liveness = liveness;
    this.#places = new Places(core);
  }

  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** What we tell neighbours: how many live peers we know, if we keep links to a few only. */
  get crowd(): number {
    return this.#isCrowded ? this.#known : 0;
  }

  /** Up to so many other peers all are linked to all. */
  get #bound(): number {
    return Math.min(this.#core.options.meshPeers, this.#core.options.links);
  }

  /** Links at a time. */
  get most(): number {
    const { links, degree } = this.#core.options;
    return this.#isCrowded ? Math.min(links, Math.ceil(1.5 * degree)) : links;
  }

  /** In a crowd, how many links are kept: below `most`, so that there is room for newcomers, unless that is next to none. */
  get degree(): number {
    return Math.min(this.#core.options.degree, Math.max(this.most - 1, Math.min(2, this.most)));
  }

  /** In a crowd, how many links are too few. */
  get least(): number {
    return Math.ceil(0.75 * this.degree);
  }

  get #bounds(): Bounds {
    return { degree: this.degree, most: this.most };
  }

  /** How many links we have that count towards what is wanted. */
  get counted(): number {
    return this.#places.counted(activeLinks(this.#core), this.#bounds);
  }

  /** The bound of the address book in a crowd; `undefined` outside. */
  sample(isLinked: (id: PeerId) => boolean): SampleBound | undefined {
    return this.#isCrowded ? { capacity: 2 * this.#core.options.meshPeers, isLinked } : undefined;
  }

  /**
   * Looks anew how many there are. Hearsay alone makes no crowd: half of a mesh must be linked to us, or more than half of
   * our neighbours say that they are in one, as a newcomer knows hardly anybody. Of those who dialled us only those who
   * have stayed for a while count: else a storm of strangers that come and go would make a crowd of a few.
   */
  update(now: number): void {
    const links = activeLinks(this.#core);
    const settled = links.filter(
      ({ direction, openedAt }) => direction === 'out' || now - openedAt > YOUNG_MS,
    );
    const wasCrowded = this.#isCrowded;
    this.#known = this.#countLive(links, settled);
    this.#isCrowded = this.#isCrowd(settled, this.#known);
    // Who is wanted now is not the first to go.
    if (this.#isCrowded && !wasCrowded) this.#trimAt = now + TRIM_MS;
    this.#settledAt = Infinity;
    if (settled.length === links.length || this.#isCrowd(links, this.#countLive(links)) === this.#isCrowded)
      return;
    for (const link of links) {
      if (!settled.includes(link)) this.#settledAt = Math.min(this.#settledAt, link.openedAt + YOUNG_MS + 1);
    }
  }

  #isCrowd(links: readonly Link[], known: number): boolean {
    if (!this.#core.options.discovery) return false;
    const claimed = medianOf(links.map(({ crowd }) => crowd));
    const bound = this.#bound;
    const few = HYSTERESIS * bound;
    if (this.#isCrowded) return Math.max(claimed, known) >= few;
    return (claimed > 0 && claimed >= few) || (known > bound && links.length >= bound / 2);
  }

  /** Of those that are linked to us only these may count. */
  #countLive(links: readonly Link[], counting = links): number {
    const live = new Set<string>();
    // Somebody who has dialled us while we were about to: whose address it is was not proven, but is plain.
    const linkedAt = new Set<string | null | undefined>();
    for (const { hello } of counting) if (hello) live.add(hello.peer);
    for (const { hello, url } of links) linkedAt.add(url).add(hello?.url);
    for (const { record, failures } of this.#core.addresses.active()) {
      const { id, url } = record;
      if (id === undefined && linkedAt.has(url)) continue;
      if (failures === 0 && (id === undefined || !this.#liveness.isDown(id))) live.add(id ?? url);
    }
    return live.size;
  }

  /**
   * Whether there is room for the peer that has introduced itself; else which link makes room for it. Somebody who has no
   * other link always finds room, and whoever we dialled was wanted.
   */
  roomFor(link: Link, hello: Hello, now: number): boolean | Link {
    const active = activeLinks(this.#core);
    if (active.length < this.most) return true;
    return this.#isCrowded && (this.#places.loserFor(link, hello, active, this.#bounds, now) ?? false);
  }

  /** In a crowd, links that end as there are too many: at random, a few at a time, as the other sides do the same. */
  surplus(now: number): Link[] {
    if (!this.#isCrowded || now < this.#trimAt) return [];
    this.#trimAt = now + TRIM_MS * (0.5 + this.#core.random.float());
    return this.#places.surplus(activeLinks(this.#core), this.#bounds, now);
  }

  wake(now: number): void {
    if (now >= this.#settledAt) this.update(now);
  }

  nextWakeAt(): number {
    const isTooMany = this.#isCrowded && this.#places.isTooMany(activeLinks(this.#core), this.#bounds);
    return isTooMany ? Math.min(this.#trimAt, this.#settledAt) : this.#settledAt;
  }
}

/** The middle one; of an even number, the lower of the two in the middle: more than half say as much. */
function medianOf(numbers: number[]): number {
  numbers.sort((a, b) => a - b);
  return numbers[(numbers.length - 1) >> 1] ?? 0;
}
