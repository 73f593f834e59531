import { Allowance, type Rate } from '../../base/allowance.js';
import type { PeerId } from '../../base/ids.js';
import type { Link } from '../../protocol/link.js';
import type { Hello } from '../../protocol/messages.js';
import type { Core } from '../core.js';
import { spend } from './quotas.js';

/** Who is so young was wanted just now, and is spared; and may be gone as fast as it came, milliseconds. */
export const YOUNG_MS = 5_000;
/** Links that make room for a peer which has none: a few at once, then one in two seconds. */
const DISPLACED: Rate = { most: 16, perMs: 1 / 2_000 };
/** Of links beyond the wanted number this part ends at a time, as the other sides do the same. */
const TRIMMED = 1 / 8;

/** How many links a peer in a crowd wants, and how many it takes. */
export interface Bounds {
  readonly degree: number;
  readonly most: number;
}

/**
 * Who keeps its place in a crowd. Whoever likes may come without end, or come and stay, and pass nothing on: so age counts,
 * and what cannot be dialled counts little. Nobody makes room who is
 * - named by people,
 * - of the older half of the links that are wanted, of those that can be dialled: nobody comes too late to be old, and
 *   strangers cannot cut off those who were there before them (as Bitcoin Core spares its oldest inbound connections),
 * - of the oldest quarter of the links that are wanted, of those that cannot be dialled: they might have nobody else.
 *   Of these a quarter of the wanted links counts; beyond, they come on top: they neither still hunger nor push out others.
 */
export class Places {
  readonly #core: Core;
  readonly #displaced = new Allowance(0, DISPLACED);
  readonly #undialableDisplaced = new Allowance(0, DISPLACED);

  constructor(core: Core) {
    this.#core = core;
  }

  /** How many of these links count towards what is wanted: in a sparse cluster none that cannot be dialled. */
  counted(active: readonly Link[], { degree }: Bounds): number {
    const undialable = active.filter((link) => !canBeDialled(link)).length;
    return active.length - Math.max(0, undialable - Math.floor(degree / 4));
  }

  /** Who makes room for somebody who has just come, if anybody does. */
  loserFor(link: Link, hello: Hello, active: readonly Link[], bounds: Bounds, now: number): Link | undefined {
    const { random } = this.#core;
    const isPressing = hello.links === 0 || link.direction === 'out';
    const { dialable, undialable } = this.#displaceable(active, bounds.degree);
    if (undialable.length > 0 && (isPressing || canBeDialled(link, hello))) {
      return spend(this.#undialableDisplaced, now, 1) ? random.pick(undialable) : undefined;
    }
    const losers = this.#grown(dialable.length > 0 ? dialable : this.#unnamed(active).dialable, now);
    return isPressing && losers.length > 0 && spend(this.#displaced, now, 1)
      ? random.pick(losers)
      : undefined;
  }

  /** Links that end now as there are too many, at random. */
  surplus(active: readonly Link[], bounds: Bounds, now: number): Link[] {
    const { dialable, undialable } = this.#displaceable(active, bounds.degree);
    const tooMany = Math.max(0, this.counted(active, bounds) - bounds.degree);
    const noRoomFor = Math.max(0, active.length - bounds.most);
    const some = (losers: Link[], count: number): Link[] => {
      this.#core.random.shuffle(losers);
      return losers.slice(0, Math.ceil(count * TRIMMED));
    };
    return [...some(this.#grown(dialable, now), tooMany), ...some(undialable, noRoomFor)];
  }

  isTooMany(active: readonly Link[], bounds: Bounds): boolean {
    return active.length > bounds.most || this.counted(active, bounds) > bounds.degree;
  }

  #grown(links: Link[], now: number): Link[] {
    const grown = links.filter(({ openedAt }) => now - openedAt > YOUNG_MS);
    return grown.length > 0 ? grown : links;
  }

  #displaceable(active: readonly Link[], degree: number): ByDialling {
    const { dialable, undialable } = this.#unnamed(active);
    return {
      dialable: dialable.slice(Math.floor(degree / 2)),
      undialable: undialable.slice(sparedOfUndialable(degree)),
    };
  }

  /** Oldest first. */
  #unnamed(active: readonly Link[]): ByDialling {
    const named = this.#namedPeers();
    const links = active.filter(({ hello }) => hello && !named.has(hello.peer));
    links.sort((a, b) => a.openedAt - b.openedAt);
    return {
      dialable: links.filter((link) => canBeDialled(link)),
      undialable: links.filter((link) => !canBeDialled(link)),
    };
  }

  /** Peers behind the addresses that the config or an addPeer names. */
  #namedPeers(): Set<PeerId> {
    const named = new Set<PeerId>();
    for (const { record } of this.#core.addresses.active()) {
      if (record.source !== 'gossip' && record.id !== undefined) named.add(record.id);
    }
    return named;
  }
}

interface ByDialling {
  readonly dialable: Link[];
  readonly undialable: Link[];
}

const sparedOfUndialable = (degree: number): number => Math.max(1, Math.floor(degree / 4));

const canBeDialled = ({ url, hello }: Link, introduced = hello): boolean =>
  url !== undefined || typeof introduced?.url === 'string';
