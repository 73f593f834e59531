import type { KnownAddress } from '../../protocol/address-book.js';
import { activeLinks, type Core, linkedPeers } from '../core.js';
import type { Turn } from '../turn.js';
import type { Liveness } from './suspicions.js';
import type { Views } from './views.js';

/** Dials under way at once. */
const MAX_DIALS = 16;
/** In a crowd, of these to peers in doubt: hosts that swallow packets are not to hold up the search for others. */
const MAX_PRESSING = 8;
/** In a crowd a peer that has its links tries one more address about so often, milliseconds. */
const RENEW_MS = 60_000;
/** Failures after which, in a crowd, an address is forgotten that once led to a peer; hearsay goes at the first. */
const PROVEN_FAILURES = 3;

/**
 * Decides whom to dial: up to the bound of a mesh everybody, in a crowd as many as are missing, at random. There one more
 * is tried now and then: so links are renewed, addresses are tested, and two crowds that were apart for long meet again.
 */
export class Dialer {
  readonly #core: Core;
  readonly #views: Views;
  readonly #liveness: Liveness;
  /** Dials that failed in a row: the more do, the more are tried at once. */
  #failing = 0;
  #renewAt = 0;

  constructor(core: Core, views: Views, liveness: Liveness) {
    this.#core = core;
    this.#views = views;
    this.#liveness = liveness;
  }

  /** Starts the dials that are due. */
  dial(turn: Turn): void {
    const urls = this.#views.isCrowded ? this.#some(turn.now) : this.#all(turn.now);
    for (const url of urls) {
      this.#core.addresses.dialStarted(url);
      turn.dial(url);
    }
  }

  #all(now: number): string[] {
    const room = this.#room();
    return room <= 0 ? [] : this.#core.addresses.due(now, linkedPeers(this.#core)).slice(0, room);
  }

  /** How many dials may be started now. */
  #room(): number {
    const links = this.#core.options.links - activeLinks(this.#core).length;
    return Math.min(MAX_DIALS, this.#views.isCrowded ? MAX_DIALS : links) - this.#dialing().all;
  }

  /** Dials under way, and those of them that look for whoever is in doubt. */
  #dialing(): { readonly all: number; readonly pressing: number } {
    const dialing = [...this.#core.addresses.active()].filter((known) => known.dialing);
    return { all: dialing.length, pressing: dialing.filter((known) => this.#isPressing(known)).length };
  }

  #some(now: number): string[] {
    const { addresses, random } = this.#core;
    const pressing: string[] = [];
    const others: string[] = [];
    for (const known of addresses.idle(linkedPeers(this.#core))) {
      if (known.dueAt > now) continue;
      if (this.#isPressing(known)) pressing.push(known.record.url);
      else if (this.#isCandidate(known)) others.push(known.record.url);
    }
    random.shuffle(others);
    const wanted = Math.max(this.#missing(), this.#renewal(now));
    const urgent = pressing.slice(0, Math.max(0, MAX_PRESSING - this.#dialing().pressing));
    return [...urgent, ...others.slice(0, Math.max(0, wanted))].slice(0, Math.max(0, this.#room()));
  }

  /** Added by hand just now, or in doubt: whether it can be reached tells whether it lives. */
  #isPressing({ readmits, record: { id } }: KnownAddress): boolean {
    return readmits || (id !== undefined && this.#liveness.isSuspect(id));
  }

  #isCandidate({ record: { id, source } }: KnownAddress): boolean {
    return source !== 'gossip' || id === undefined || !this.#liveness.isDown(id);
  }

  #missing(): number {
    const { counted, least } = this.#views;
    const missing = least - counted;
    if (missing <= 0) return 0;
    const { all, pressing } = this.#dialing();
    return Math.min(missing * (1 + this.#failing), this.#core.options.links - counted) - (all - pressing);
  }

  /** One more, when its time has come. */
  #renewal(now: number): number {
    if (now < this.#renewAt) return 0;
    const isFirst = this.#renewAt === 0;
    this.#renewAt = now + RENEW_MS * (0.5 + this.#core.random.float());
    return isFirst ? 0 : 1;
  }

  reached(): void {
    this.#failing = 0;
  }

  failed(url: string, now: number): void {
    const { addresses } = this.#core;
    this.#failing++;
    addresses.dialFailed(url, now);
    const known = addresses.get(url);
    if (known && this.#views.isCrowded && known.failures >= (known.proven ? PROVEN_FAILURES : 1)) {
      addresses.forget(url);
    }
  }

  nextWakeAt(): number {
    if (this.#room() <= 0) return Infinity;
    const { addresses } = this.#core;
    const isLinked = linkedPeers(this.#core);
    if (!this.#views.isCrowded) return addresses.nextDueAt(isLinked);
    let next = this.#renewAt;
    const isShort = this.#missing() > 0;
    const isUrgent = this.#dialing().pressing < MAX_PRESSING;
    for (const known of addresses.idle(isLinked)) {
      const isWanted = this.#isPressing(known) ? isUrgent : isShort && this.#isCandidate(known);
      if (isWanted) next = Math.min(next, known.dueAt);
    }
    return next;
  }
}
