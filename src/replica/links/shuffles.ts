import { Allowance, type Rate } from '../../base/allowance.js';
import { RecentMap } from '../../base/recent-map.js';
import type { LinkId } from '../../base/ids.js';
import type { Link } from '../../protocol/link.js';
import type { Shuffle, Shuffled } from '../../protocol/messages.js';
import { activeLinks, type Core } from '../core.js';
import type { Turn } from '../turn.js';
import type { Discovery } from './discovery.js';
import { spend } from './quotas.js';
import type { Views } from './views.js';

/** About so often a peer in a crowd sends a shuffle, milliseconds. */
const SHUFFLE_MS = 10_000;
/** Links that a shuffle crosses: far enough that whoever it ends at is about any peer of the cluster. */
const HOPS = 4;
/** Addresses of neighbours, and others, in a shuffle besides its sender's own. As in the paper. */
const OF_NEIGHBOURS = 3;
const OF_OTHERS = 4;
/** Shuffles that are remembered until their answers come back. */
const REMEMBERED = 256;
/** Shuffles to all neighbours together: an answer has half a minute before its way is forgotten. */
const ALL_WALKED: Rate = { most: 64, perMs: 1 / 150 };

/** Who a shuffle was sent to, and from whom and under which id it had come; without that it was our own. */
interface Way {
  readonly to: LinkId;
  readonly from: { readonly link: LinkId; readonly id: number } | undefined;
  isAnswered: boolean;
}

/** Keeps the address books of a crowd random samples of all: by and by everybody swaps a few addresses with somebody. */
export class Shuffles {
  readonly #core: Core;
  readonly #views: Views;
  readonly #discovery: Discovery;
  readonly #ways = new RecentMap<number, Way>(REMEMBERED);
  readonly #allWalked = new Allowance(0, ALL_WALKED);
  #lastId = 0;
  #dueAt = 0;

  constructor(core: Core, views: Views, discovery: Discovery) {
    this.#core = core;
    this.#views = views;
    this.#discovery = discovery;
  }

  wake(turn: Turn): void {
    if (!this.#views.isCrowded || turn.now < this.#dueAt) return;
    this.#dueAt = turn.now + SHUFFLE_MS * (0.5 + this.#core.random.float());
    const link = this.#core.random.pick(this.#patient(turn.now));
    if (!link) return;
    const addresses = [
      ...this.#discovery.own(),
      ...this.#discovery.ofNeighbours(OF_NEIGHBOURS, link),
      ...this.#discovery.ofOthers(OF_OTHERS),
    ];
    this.#send(turn, link, { hops: HOPS - 1, addresses }, undefined);
  }

  /** Who may be sent a shuffle: what others send without end is not to make us a nuisance to our neighbours. */
  #patient(now: number): Link[] {
    if (this.#allWalked.readyAt(now) > now) return [];
    return activeLinks(this.#core).filter(({ quotas }) => quotas.walked.readyAt(now) <= now);
  }

  #send(
    turn: Turn,
    to: Link,
    { hops, addresses }: Pick<Shuffle, 'hops' | 'addresses'>,
    from: Way['from'],
  ): void {
    const id = ++this.#lastId;
    spend(this.#allWalked, turn.now, 1);
    spend(to.quotas.walked, turn.now, 1);
    this.#ways.set(id, { to: to.id, from, isAnswered: false });
    turn.send(to, { type: 'shuffle', id, hops, crowd: this.#views.crowd, addresses });
  }

  shuffle(turn: Turn, link: Link, { id, hops, crowd, addresses }: Shuffle): void {
    this.#claims(turn, link, crowd);
    const others = this.#patient(turn.now).filter((other) => other !== link);
    const next = hops > 0 ? this.#core.random.pick(others) : undefined;
    if (next)
      return this.#send(turn, next, { hops: Math.min(hops, HOPS) - 1, addresses }, { link: link.id, id });
    const answer = this.#discovery.ofOthers(addresses.length, addresses);
    this.#discovery.learn(turn, link, addresses);
    turn.send(link, { type: 'shuffled', id, crowd: this.#views.crowd, addresses: answer });
  }

  #claims(turn: Turn, link: Link, crowd: number): void {
    link.crowd = crowd;
    this.#views.update(turn.now);
  }

  /** Whether we have sent it such a shuffle, and not had the answer. */
  awaits({ id }: Link, message: Shuffled): boolean {
    const way = this.#ways.get(message.id);
    return way?.to === id && !way.isAnswered;
  }

  shuffled(turn: Turn, link: Link, { id, crowd, addresses }: Shuffled): void {
    this.#claims(turn, link, crowd);
    const way = this.#ways.get(id);
    if (!way) return;
    way.isAnswered = true;
    if (!way.from) return this.#discovery.learn(turn, link, addresses);
    const back = this.#core.links.get(way.from.link);
    if (back) turn.send(back, { type: 'shuffled', id: way.from.id, crowd: this.#views.crowd, addresses });
  }

  nextWakeAt(): number {
    return this.#views.isCrowded ? this.#dueAt : Infinity;
  }
}
