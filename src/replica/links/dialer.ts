import type { PeerId } from '../../base/ids.js';
import type { Link } from '../../protocol/link.js';
import { activeLinks, type Core } from '../core.js';
import type { Turn } from '../turn.js';

/** Dials under way at once. */
const MAX_DIALS = 16;
/** In a crowd at most one link makes room for others in this time, milliseconds. */
const CHECK_MS = 1_000;

/** Decides whom to dial, and in a cluster larger than the limit on links which link makes room for newcomers. */
export class Dialer {
  readonly #core: Core;
  /** When to look again whether a link has to make room. */
  #checkAt = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Starts the dials that are due, as far as there is room for links. */
  dial(turn: Turn): void {
    let room = this.#room();
    const { addresses, random } = this.#core;
    const due = addresses.due(turn.now, this.#isLinked(), this.#wantsStrangers());
    // In a crowd everybody would come to the same few.
    if (this.#isCrowded()) random.shuffle(due);
    for (const url of due) {
      if (room-- <= 0) return;
      addresses.dialStarted(url);
      turn.dial(url);
    }
  }

  /** How many dials may be started now. */
  #room(): number {
    let dialing = 0;
    for (const known of this.#core.addresses.active()) if (known.dialing) dialing++;
    return Math.min(MAX_DIALS, this.#core.options.links - activeLinks(this.#core).length) - dialing;
  }

  /** More peers are known than there may be links: a full mesh is not to be had, and newcomers must find room. */
  #isCrowded(): boolean {
    return this.#core.addresses.size > this.#core.options.links;
  }

  /** Whether peers that nobody named are dialled: in a crowd only for the first third of the links. */
  #wantsStrangers(): boolean {
    const third = Math.max(1, Math.floor(this.#core.options.links / 3));
    return !this.#isCrowded() || activeLinks(this.#core).length < third;
  }

  /** In a crowd one place is kept free for newcomers: the link to end, at random, of those that we did not ask for by name. */
  surplus(now: number): Link | undefined {
    if (now < this.#checkAt) return undefined;
    this.#checkAt = now + CHECK_MS;
    const { options, random } = this.#core;
    const links = activeLinks(this.#core);
    if (!this.#isCrowded() || links.length < options.links) return undefined;
    const named = this.#namedPeers();
    // Who cannot be dialled might have nobody else.
    return random.pick(links.filter(({ hello }) => hello?.url && !named.has(hello.peer)));
  }

  /** Peers behind the addresses that the config or an addPeer names. */
  #namedPeers(): Set<PeerId> {
    const named = new Set<PeerId>();
    for (const { record } of this.#core.addresses.active()) {
      if (record.source !== 'gossip' && record.id !== undefined) named.add(record.id);
    }
    return named;
  }

  #isLinked(): (id: PeerId) => boolean {
    const linked = new Set<PeerId>();
    for (const { hello, closing } of this.#core.links.values()) if (hello && !closing) linked.add(hello.peer);
    return (id) => linked.has(id);
  }

  nextWakeAt(): number {
    const next = this.#isCrowded() ? this.#checkAt : Infinity;
    if (this.#room() <= 0) return next;
    return Math.min(next, this.#core.addresses.nextDueAt(this.#isLinked(), this.#wantsStrangers()));
  }
}
