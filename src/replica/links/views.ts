import { Allowance, type Rate } from '../../base/allowance.js';
import type { PeerId } from '../../base/ids.js';
import type { Link } from '../../protocol/link.js';
import type { Hello } from '../../protocol/messages.js';
import type { SampleBound } from '../../protocol/address-book.js';
import { activeLinks, type Core } from '../core.js';
import type { Liveness } from './suspicions.js';

/** Below this part of `meshPeers` a crowd is none any more: who sits near the bound changes nothing for a while. */
const HYSTERESIS = 0.8;
/** About so often links beyond the wanted number end, milliseconds. */
const TRIM_MS = 1_000;
/** Who is so young is spared, milliseconds: it was wanted just now. */
const YOUNG_MS = 5_000;
/** Links that make room for a peer which has none: a few at once, then one in two seconds. */
const DISPLACED: Rate = { most: 16, perMs: 1 / 2_000 };

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
  readonly #displaced = new Allowance(0, DISPLACED);
  #isCrowded = false;
  /** Live peers that we know, as far as we know. */
  #known = 0;
  #trimAt = 0;

  constructor(core: Core, liveness: Liveness) {
    this.#core = core;
    this.#liveness = liveness;
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

  /** The bound of the address book in a crowd; `undefined` outside. */
  sample(isLinked: (id: PeerId) => boolean): SampleBound | undefined {
    return this.#isCrowded ? { capacity: 2 * this.#core.options.meshPeers, isLinked } : undefined;
  }

  /**
   * Looks anew how many there are. Hearsay alone makes no crowd: half of a mesh must be linked to us, or more than half of
   * our neighbours say that they are in one, as a newcomer knows hardly anybody.
   */
  update(): void {
    const links = activeLinks(this.#core);
    this.#known = this.#countLive(links);
    const claimed = medianOf(links.map(({ crowd }) => crowd));
    const bound = this.#bound;
    const few = HYSTERESIS * bound;
    if (!this.#core.options.discovery) this.#isCrowded = false;
    else if (this.#isCrowded) this.#isCrowded = Math.max(claimed, this.#known) >= few;
    else
      this.#isCrowded = (claimed > 0 && claimed >= few) || (this.#known > bound && links.length >= bound / 2);
  }

  #countLive(links: readonly Link[]): number {
    const live = new Set<string>();
    // Somebody who has dialled us while we were about to: whose address it is was not proven, but is plain.
    const linkedAt = new Set<string | null | undefined>();
    for (const { hello, url } of links) {
      if (hello) live.add(hello.peer);
      linkedAt.add(url).add(hello?.url);
    }
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
  roomFor(link: Link, { links }: Hello, now: number): boolean | Link {
    const active = activeLinks(this.#core);
    if (active.length < this.most) return true;
    const isPressing = this.#isCrowded && (links === 0 || link.direction === 'out');
    if (!isPressing || this.#displaced.readyAt(now) > now) return false;
    const loser = this.#core.random.pick(this.#displaceable(active, now));
    if (loser) this.#displaced.spend(now, 1);
    return loser ?? false;
  }

  /** In a crowd, links that end as there are too many: at random, a few at a time, as the other sides do the same. */
  surplus(now: number): Link[] {
    if (!this.#isCrowded || now < this.#trimAt) return [];
    this.#trimAt = now + TRIM_MS * (0.5 + this.#core.random.float());
    const active = activeLinks(this.#core);
    const tooMany = active.length - this.degree;
    if (tooMany <= 0) return [];
    const losers = this.#displaceable(active, now);
    this.#core.random.shuffle(losers);
    return losers.slice(0, Math.ceil(tooMany / 8));
  }

  /** Never those that people named, nor those that cannot be dialled: they might have nobody else. */
  #displaceable(active: readonly Link[], now: number): Link[] {
    const named = this.#namedPeers();
    const strangers = active.filter(({ hello }) => hello?.url && !named.has(hello.peer));
    const older = strangers.filter(({ openedAt }) => now - openedAt > YOUNG_MS);
    return older.length > 0 ? older : strangers;
  }

  /** Peers behind the addresses that the config or an addPeer names. */
  #namedPeers(): Set<PeerId> {
    const named = new Set<PeerId>();
    for (const { record } of this.#core.addresses.active()) {
      if (record.source !== 'gossip' && record.id !== undefined) named.add(record.id);
    }
    return named;
  }

  nextWakeAt(): number {
    return this.#isCrowded && activeLinks(this.#core).length > this.degree ? this.#trimAt : Infinity;
  }
}

/** The middle one; of an even number, the higher of the two in the middle. */
function medianOf(numbers: number[]): number {
  numbers.sort((a, b) => a - b);
  return numbers[numbers.length >> 1] ?? 0;
}
