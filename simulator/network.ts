import type { LinkId } from '../src/base/ids.js';
import type { Random } from '../src/base/random.js';
import { pairs } from '../src/data/intervals.js';
import { decodeMessage, unpackOps } from '../src/protocol/codec.js';
import type { Message } from '../src/protocol/messages.js';
import { type End, Links, type SimLink } from './links.js';
import type { SimPeer } from './sim-peer.js';
import type { World } from './world.js';

export interface NetworkOptions {
  /** The least and the longest one-way delay of a message, milliseconds: each link's direction gets a range of its own. */
  readonly delayMs: readonly [number, number];
  /** Of 1: how often a push is delivered twice. */
  readonly duplicates: number;
  /** Of 1, for types of messages: how often one vanishes, although its link lives on. */
  readonly lost: Readonly<Partial<Record<Message['type'], number>>>;
}

/**
 * How the way from one peer to another is cut. `drop`: connections break, and both sides learn of it. `lose`: messages
 * vanish while both sides believe in the connection, which breaks when the cut is mended. `hold`: they arrive then.
 */
export const CUTS = ['drop', 'lose', 'hold'] as const;
export type Cut = (typeof CUTS)[number];

/** What a test may do to messages on their way, to see whether the checks find it: bytes in, bytes out, none to lose it. */
export type Tamper = (from: SimPeer, to: SimPeer, bytes: Uint8Array) => Uint8Array | undefined;

/** A dial into nothing is given up after this time, milliseconds. */
const DIAL_TIMEOUT_MS = 3000;

/** Carries messages between peers: in order on a link, not across links. Breaks what it is told to break. */
export class Network {
  readonly #world: World;
  readonly #random: Random;
  readonly #options: NetworkOptions;
  readonly #links = new Links();
  /** The ways that are cut, `from to`. */
  readonly #cuts = new Map<string, Cut>();
  /** Connections between these and all others break. */
  #half: ReadonlySet<SimPeer> | undefined;
  tamper: Tamper | undefined;
  /** Messages sent so far, by type. */
  readonly sent = new Map<string, number>();
  /** Their bytes, by type. */
  readonly sentBytes = new Map<string, number>();
  dials = 0;

  constructor(world: World, options: Partial<NetworkOptions>) {
    this.#world = world;
    this.#random = world.stream('network');
    this.#options = { delayMs: [1, 40], duplicates: 0, lost: {}, ...options };
  }

  get size(): number {
    return this.#links.size;
  }

  dial(from: SimPeer, url: string): void {
    const { life } = from;
    this.dials++;
    this.#world.after(this.#between(this.#random, this.#options.delayMs), () => {
      if (from.life !== life) return;
      const to = this.#world.peerAt(url);
      const cut = to && (this.#cutOf(from, to) ?? this.#cutOf(to, from));
      if (!to || (!to.running && cut === undefined) || cut === 'drop') {
        from.take({ kind: 'dialFailed', url, reason: 'refused' });
      } else if (cut !== undefined) {
        this.#world.after(DIAL_TIMEOUT_MS, () => {
          if (from.life === life) from.take({ kind: 'dialFailed', url, reason: 'timeout' });
        });
      } else this.#open(from, to, url);
    });
  }

  #open(from: SimPeer, to: SimPeer, url: string): void {
    const ends = [this.#end(from), this.#end(to)] as const;
    this.#links.add({ ends });
    from.take({ kind: 'linkOpened', link: ends[0].link, direction: 'out', remote: url, url });
    to.take({ kind: 'linkOpened', link: ends[1].link, direction: 'in', remote: from.url });
  }

  #end(peer: SimPeer): End {
    const link = this.#links.nextId();
    const random = this.#world.stream(`link ${link}`);
    const [least, most] = this.#options.delayMs;
    const low = least + random.float() * (most - least);
    return {
      peer,
      life: peer.life,
      link,
      random,
      delayMs: [low, low + random.float() * (most - low)],
      open: true,
      lastArrival: 0,
      lag: { ms: 0, until: 0 },
      holed: false,
      held: [],
      pushed: new Set(),
      askedFor: new Map(),
    };
  }

  #between(random: Random, [least, most]: readonly [number, number]): number {
    return least + random.float() * (most - least);
  }

  send(from: SimPeer, id: LinkId, sent: Uint8Array): void {
    const pair = this.#links.ends(id);
    if (!pair) return;
    const [, to] = pair;
    const kind = kindOf(sent);
    this.sent.set(kind, (this.sent.get(kind) ?? 0) + 1);
    this.sentBytes.set(kind, (this.sentBytes.get(kind) ?? 0) + sent.length);
    from.bytesSent += sent.length;
    if (kind === 'push') this.#watchPush(from, to, sent);
    const copies = this.#copiesOf(kind, to);
    const bytes = this.tamper ? this.tamper(from, to.peer, sent) : sent;
    if (bytes) for (let i = 0; i < copies; i++) this.#carry(from, to, kind, bytes);
  }

  /** How often a message arrives. */
  #copiesOf(kind: Message['type'], { random }: End): 0 | 1 | 2 {
    const { lost, duplicates } = this.#options;
    const share = lost[kind] ?? 0;
    if (share > 0 && random.float() < share) return 0;
    return kind === 'push' && duplicates > 0 && random.float() < duplicates ? 2 : 1;
  }

  #watchPush(from: SimPeer, to: End, bytes: Uint8Array): void {
    const { observer } = this.#world;
    if (!observer.pushedTwice) return;
    const message = decodeMessage(bytes);
    if (message.type !== 'push') return;
    for (const { origin, seq } of unpackOps(message.origin, message.body)) {
      const dot = `${message.bucket} ${origin}.${seq}`;
      const asked = to.askedFor.get(dot) ?? 0;
      if (to.pushed.has(dot)) {
        if (asked === 0) observer.pushedTwice(from, to.peer, dot);
        to.askedFor.set(dot, asked - 1);
      }
      to.pushed.add(dot);
    }
  }

  /** What the other end asks for did not come to it, or not yet: it may be sent again. */
  #watchGraft(asked: End, bytes: Uint8Array): void {
    const [, asker] = this.#links.ends(asked.link) ?? [];
    if (!asker || !this.#world.observer.pushedTwice) return;
    const message = decodeMessage(bytes);
    if (message.type !== 'graft') return;
    for (const [bucket, vector] of message.buckets)
      for (const [origin, set] of vector.entries())
        for (const [lo, hi] of pairs(set))
          for (let seq = lo; seq <= hi; seq++) {
            const dot = `${bucket} ${origin}.${seq}`;
            asker.askedFor.set(dot, (asker.askedFor.get(dot) ?? 0) + 1);
          }
  }

  #carry(from: SimPeer, to: End, kind: string, bytes: Uint8Array): void {
    const cut = this.#cutOf(from, to.peer);
    if (cut === 'hold') {
      to.held.push(() => this.#carry(from, to, kind, bytes));
      return;
    }
    if (cut !== undefined || to.holed) {
      to.holed = true;
      return;
    }
    this.#arrive(to, 0, () => {
      if (!to.open || to.peer.life !== to.life) return;
      if (kind === 'graft') this.#watchGraft(to, bytes);
      this.#world.observer.delivered?.(from, to.peer, kind, bytes);
      to.peer.take({ kind: 'received', messages: [{ link: to.link, bytes }] });
    });
  }

  /** Runs after everything that is under way to this end. */
  #arrive(to: End, extraMs: number, run: () => void): void {
    const { now } = this.#world;
    const lag = now < to.lag.until ? to.lag.ms : 0;
    const delay = this.#between(to.random, to.delayMs) + lag + extraMs;
    to.lastArrival = Math.max(to.lastArrival, now + delay);
    this.#world.at(to.lastArrival, run);
  }

  /** One side ends a link; what it sent before arrives first, as over TCP. */
  close(from: SimPeer, id: LinkId, reason: string): void {
    const pair = this.#links.ends(id);
    if (!pair) return;
    const [here, there] = pair;
    this.#tellClosed(here, reason);
    const tell = (): void => this.#tellClosed(there, reason);
    const cut = this.#cutOf(from, there.peer);
    if (cut === 'hold') there.held.push(tell);
    // Who is not told finds out by its pings.
    else if (cut === undefined && !there.holed) this.#arrive(there, 1, tell);
  }

  #tellClosed(end: End, reason: string): void {
    if (!end.open) return;
    end.open = false;
    this.#links.remove(end);
    this.#world.after(1, () => {
      if (end.peer.life === end.life) end.peer.take({ kind: 'linkClosed', link: end.link, reason });
    });
  }

  #drop({ ends }: SimLink, reason: string): void {
    for (const end of ends) this.#tellClosed(end, reason);
  }

  /**
   * A process died: its links break, with what was under way.
   * @param silent its machine died with it: nobody is told
   */
  sever(peer: SimPeer, silent: boolean): void {
    for (const { ends } of this.#links.of(peer)) {
      for (const end of ends) {
        const isCut = end.peer !== peer && this.#cutOf(peer, end.peer) !== undefined;
        if (end.peer === peer || !(silent || isCut)) this.#tellClosed(end, 'broken');
      }
    }
  }

  /** A process has ended by itself: what it sent arrives, then its links end. */
  hangUp(peer: SimPeer): void {
    for (const { ends } of this.#links.of(peer)) {
      const own = ends.find((end) => end.peer === peer);
      if (own) this.close(peer, own.link, 'closed');
    }
  }

  /** Whether what this side sends on a link arrives, and what the other one sends arrives here. */
  isSound(id: LinkId): boolean {
    const ends = this.#links.ends(id);
    return ends?.every((end) => end.open && !end.holed && end.life === end.peer.life) === true;
  }

  /** Breaks the n-th link, with what was under way. @returns whether there was one */
  breakLink(n: number): boolean {
    const link = this.#links.nth(n);
    if (link) this.#drop(link, 'broken');
    return link !== undefined;
  }

  /** One side of the n-th link learns that it broke; the other believes in it until its pings go unanswered. */
  halfOpen(n: number, side: 0 | 1 = 0): boolean {
    const end = this.#links.nth(n)?.ends[side];
    if (end) this.#tellClosed(end, 'broken');
    return end !== undefined;
  }

  /** Everything on the n-th link takes longer for a while, and arrives in order all the same. */
  lag(n: number, ms: number, forMs: number): boolean {
    const link = this.#links.nth(n);
    for (const end of link?.ends ?? []) end.lag = { ms, until: this.#world.now + forMs };
    return link !== undefined;
  }

  /** The same on every link between two peers. */
  lagBetween(a: SimPeer, b: SimPeer, ms: number, forMs: number): void {
    for (const { ends } of this.#links.of(a)) {
      if (!ends.some(({ peer }) => peer === b)) continue;
      for (const end of ends) end.lag = { ms, until: this.#world.now + forMs };
    }
  }

  /** Cuts the way from one peer to another; what is under way arrives unless connections break. */
  cutWay(from: SimPeer, to: SimPeer, how: Cut): void {
    this.#cuts.set(wayOf(from, to), how);
    if (how !== 'drop') return;
    for (const link of this.#links.of(from)) {
      if (link.ends.some(({ peer }) => peer === to)) this.#drop(link, 'cut');
    }
  }

  /** Cuts both ways. */
  cut(a: SimPeer, b: SimPeer, how: Cut = 'drop'): void {
    this.cutWay(a, b, how);
    this.cutWay(b, a, how);
  }

  /** Splits the network in two, both ways, until it is healed. */
  split(half: ReadonlySet<SimPeer>): void {
    this.#half = half;
    for (const link of this.#links.all) {
      const [a, b] = link.ends;
      if (half.has(a.peer) !== half.has(b.peer)) this.#drop(link, 'cut');
    }
  }

  heal(): void {
    this.#cuts.clear();
    this.#half = undefined;
    for (const link of this.#links.all) {
      if (link.ends.some(({ holed }) => holed)) this.#drop(link, 'broken');
      for (const end of link.ends) for (const arrive of end.held.splice(0)) arrive();
    }
  }

  #cutOf(from: SimPeer, to: SimPeer): Cut | undefined {
    if (this.#half && this.#half.has(from) !== this.#half.has(to)) return 'drop';
    return this.#cuts.size === 0 ? undefined : this.#cuts.get(wayOf(from, to));
  }

  /** A connection nobody asked for, as of two that dial each other at once. */
  dialTwice(from: SimPeer, url: string): boolean {
    if (!from.running) return false;
    this.dial(from, url);
    return true;
  }
}

const wayOf = (from: SimPeer, to: SimPeer): string => `${from.url} ${to.url}`;

/** The types of messages that were seen, by their numbers. */
const kinds: Message['type'][] = [];

/** The type of a message, as the codec names it: its number is the second byte. */
export const kindOf = (bytes: Uint8Array): Message['type'] =>
  (kinds[bytes[1] ?? 0] ??= decodeMessage(bytes).type);
