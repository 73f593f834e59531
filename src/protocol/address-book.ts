import type { PeerId } from '../base/ids.js';
import type { Random } from '../base/random.js';

/** How an address came to us: the config's `peers`, an `addPeer`, or another peer's word. */
export type AddressSource = 'config' | 'added' | 'gossip';

/** One remembered address. `removed` keeps an address and the peer behind it out until it is added again. */
export interface AddressRecord {
  readonly url: string;
  readonly source: AddressSource;
  /** The peer last met there. */
  readonly id?: PeerId;
  readonly name?: string;
  readonly removed?: true;
}

export interface KnownAddress {
  record: AddressRecord;
  /** An attempt is under way. */
  dialing: boolean;
  /** Attempts that failed since the last link. */
  failures: number;
  /** When to dial next, milliseconds. */
  dueAt: number;
  /** It leads to ourselves: never dialled again in this run. */
  self: boolean;
  /** It was added by hand and not reached since: whoever answers there is let in again. */
  readmits: boolean;
  /** A dial of ours has found its peer there in this run: it is more than hearsay. */
  proven: boolean;
  /** The record of its peer as a member says so, and nobody else has. */
  isOfMember: boolean;
  /** It came to us in this run, and no neighbour was told that its peer was met there. */
  isUntold: boolean;
}

/** A bound below the capacity, at which addresses make room for others at random. */
export interface SampleBound {
  readonly capacity: number;
  readonly isLinked: (id: PeerId) => boolean;
}

export interface AddressBookOptions {
  /** Our own address, never dialled. */
  readonly ownUrl: string | null;
  /** How many addresses are kept. */
  readonly capacity: number;
  /** First and longest pause between two attempts, milliseconds. */
  readonly backoffMs: readonly [first: number, longest: number];
}

/**
 * The addresses that we know and when each is to be dialled: exponential back-off with jitter (Brooker, "Exponential
 * Backoff And Jitter", 2015), so that peers that lost each other do not return in step.
 */
export class AddressBook {
  readonly #known = new Map<string, KnownAddress>();
  readonly #options: AddressBookOptions;
  readonly #random: Random;
  #changed = false;

  constructor(
    configured: readonly string[],
    stored: readonly AddressRecord[],
    options: AddressBookOptions,
    random: Random,
  ) {
    this.#options = options;
    this.#random = random;
    for (const record of stored) {
      // A configured address that left the config is forgotten, unless it was removed by hand.
      if (record.source !== 'config' || record.removed) this.#insert(record);
    }
    for (const url of configured) {
      const former = stored.find((record) => record.url === url);
      if (!this.#known.get(url)?.record.removed) this.#insert({ ...former, url, source: 'config' });
    }
  }

  #insert(record: AddressRecord): KnownAddress {
    const self = record.url === this.#options.ownUrl;
    const known = {
      record,
      dialing: false,
      failures: 0,
      dueAt: 0,
      self,
      readmits: false,
      proven: false,
      isOfMember: false,
      isUntold: false,
    };
    this.#known.set(record.url, known);
    return known;
  }

  get isFull(): boolean {
    return this.#known.size >= this.#options.capacity;
  }

  get(url: string): KnownAddress | undefined {
    return this.#known.get(url);
  }

  /** Every address that is not removed, ourselves left out. */
  *active(): Iterable<KnownAddress> {
    for (const known of this.#known.values()) if (!known.record.removed && !known.self) yield known;
  }

  /** Whether an address or the peer behind it was removed by hand. */
  isRemoved(url: string | null, id: PeerId): boolean {
    if (url !== null && this.#known.get(url)?.record.removed) return true;
    for (const { record } of this.#known.values()) if (record.removed && record.id === id) return true;
    return false;
  }

  /** A dial has found this peer: an address that was added by hand lets it in, a removed one keeps it out by its id too. */
  met(url: string, id: PeerId, name: string): void {
    const known = this.#known.get(url);
    if (!known) return;
    if (known.record.removed) this.#identify(known, id, name);
    else if (known.readmits) {
      known.readmits = false;
      this.#forgetRemoved((record) => record.id === id);
    }
  }

  #forgetRemoved(which: (record: AddressRecord) => boolean): void {
    for (const [url, { record }] of this.#known) {
      if (!record.removed || !which(record)) continue;
      this.#known.delete(url);
      this.#changed = true;
    }
  }

  #identify(known: KnownAddress, id: PeerId, name: string): void {
    if (known.record.id === id && known.record.name === name) return;
    known.record = { ...known.record, id, name };
    this.#changed = true;
  }

  /** Dials that are due: addresses without an attempt under way whose peer is not linked. */
  due(now: number, isLinked: (id: PeerId) => boolean): string[] {
    const urls: string[] = [];
    for (const known of this.idle(isLinked)) if (known.dueAt <= now) urls.push(known.record.url);
    return urls;
  }

  /** When the next dial is due; infinite when there is none. */
  nextDueAt(isLinked: (id: PeerId) => boolean): number {
    let next = Infinity;
    for (const known of this.idle(isLinked)) next = Math.min(next, known.dueAt);
    return next;
  }

  /** Addresses without an attempt under way whose peer is not linked. */
  *idle(isLinked: (id: PeerId) => boolean): Iterable<KnownAddress> {
    for (const known of this.active()) {
      const { id } = known.record;
      if (!known.dialing && (id === undefined || !isLinked(id))) yield known;
    }
  }

  dialStarted(url: string): void {
    const known = this.#known.get(url);
    if (known) known.dialing = true;
  }

  /** An attempt came to nothing, or a link that it made was refused. */
  dialFailed(url: string, now: number): void {
    const known = this.#known.get(url);
    if (!known) return;
    known.dialing = false;
    known.failures++;
    known.dueAt = now + this.#pause(known.failures);
  }

  /** A link that we dialled has finished its handshake: the address leads to this peer. */
  reached(url: string, id: PeerId, name: string): void {
    const known = this.#known.get(url);
    if (!known) return;
    known.dialing = false;
    known.failures = 0;
    known.proven = true;
    known.isUntold ||= known.record.id === undefined;
    this.#identify(known, id, name);
  }

  /** The address leads to ourselves. */
  isSelf(url: string): void {
    const known = this.#known.get(url);
    if (!known) return;
    known.dialing = false;
    known.self = true;
  }

  /**
   * All addresses of a peer whose last link is gone are due again after a first, jittered pause; after the longest
   * one when that peer has refused us.
   */
  lost(id: PeerId, now: number, refused: boolean): void {
    for (const known of this.active()) {
      if (known.record.id === id) known.dueAt = now + this.#pause(refused ? Infinity : 1);
    }
  }

  #pause(failures: number): number {
    const [first, longest] = this.#options.backoffMs;
    const bound = Math.min(longest, first * 2 ** Math.min(failures, 20));
    return Math.max(first / 2, bound / 4, this.#random.float() * bound);
  }

  /** Adds an address by hand: it is dialled at once, and no longer kept out, nor is the peer behind it. */
  add(url: string): void {
    const known = this.#known.get(url);
    const former = known?.record;
    const id = former?.id;
    this.#forgetRemoved((record) => record.url === url || (id !== undefined && record.id === id));
    const source = former && !former.removed && former.source === 'config' ? 'config' : 'added';
    const added = this.#insert({ ...(id === undefined ? {} : { id }), url, source });
    added.readmits = true;
    // An attempt that is under way goes on: a transport takes one for each address.
    added.dialing = known?.dialing ?? false;
    this.#changed = true;
  }

  /** Remembers to keep a peer out, by its address, its id or both. */
  remove(urls: readonly string[], id: PeerId | undefined): void {
    for (const known of this.#known.values()) {
      if (id !== undefined && known.record.id === id) this.#markRemoved(known);
    }
    for (const url of urls)
      this.#markRemoved(
        this.#known.get(url) ?? this.#insert({ url, source: 'added', ...(id ? { id } : {}) }),
      );
    if (urls.length === 0 && id !== undefined && ![...this.#known.values()].some((k) => k.record.id === id)) {
      // A peer that only ever dialled us has no address; a placeholder keeps its id out.
      this.#markRemoved(this.#insert({ url: `id:${id}`, source: 'added', id }));
    }
    this.#changed = true;
  }

  #markRemoved(known: KnownAddress): void {
    known.record = { ...known.record, removed: true };
  }

  /**
   * Takes another peer's word for an address; returns whether it is news. The number kept is bounded. Of an address that
   * we know only who answers there says whose it is: else hearsay could keep us from dialling it.
   * @param bound a lower one, for a sample that stays random
   */
  learn(url: string, id: PeerId, name: string, bound?: SampleBound): boolean {
    if (!this.#isNews(url, id)) return false;
    const isFull = this.isFull || (bound !== undefined && this.#known.size >= bound.capacity);
    if (isFull && !(bound ? this.#forgetAny(bound) : this.#forgetOne())) return false;
    this.#insert({ url, id, name, source: 'gossip' }).isUntold = true;
    // Which part of the cluster a sample shows is not worth a write each time.
    if (!bound || !isFull) this.#changed = true;
    return true;
  }

  /**
   * The same of what the record of a member says. It takes the place of what an earlier one said, unless that was proven:
   * one made-up member fills one place. While that is being tried it stays.
   */
  learnOfMember(url: string, id: PeerId, name: string, bound?: SampleBound): boolean {
    if (!this.#isNews(url, id)) return false;
    for (const { record, isOfMember, proven, dialing } of this.#known.values()) {
      if (!isOfMember || proven || record.id !== id || record.source !== 'gossip' || record.removed) continue;
      if (dialing) return false;
      this.forget(record.url);
    }
    const isNews = this.learn(url, id, name, bound);
    const known = this.#known.get(url);
    if (known) known.isOfMember = true;
    return isNews;
  }

  #isNews(url: string, id: PeerId): boolean {
    return !this.#known.has(url) && url !== this.#options.ownUrl && !this.isRemoved(url, id);
  }

  /** Hearsay that led nowhere is forgotten; what was named stays. */
  forget(url: string): void {
    if (this.#known.get(url)?.record.source !== 'gossip') return;
    this.#known.delete(url);
    this.#changed = true;
  }

  /**
   * Makes room in a sample: any learned address that is neither linked nor being tried goes. One that was proven goes only
   * where these are more than half: made-up ones drive out no more than each other.
   */
  #forgetAny({ capacity, isLinked }: SampleBound): boolean {
    const idle = [...this.idle(isLinked)].filter(({ record }) => record.source === 'gossip');
    const proven = idle.filter((known) => known.proven);
    const pool = proven.length > capacity / 2 ? proven : idle.filter((known) => !known.proven);
    const loser = this.#random.pick(pool);
    return loser !== undefined && this.#known.delete(loser.record.url);
  }

  /** Makes room: the learned address that has failed most often goes; those that work or were named stay. */
  #forgetOne(): boolean {
    let worst: KnownAddress | undefined;
    for (const known of this.active()) {
      if (known.record.source !== 'gossip' || known.dialing || known.failures === 0) continue;
      if (!worst || known.failures > worst.failures) worst = known;
    }
    return worst !== undefined && this.#known.delete(worst.record.url);
  }

  /** The records to store, if anything changed since the last call. */
  takeChanges(): AddressRecord[] | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    return [...this.#known.values()].map((known) => known.record);
  }
}
