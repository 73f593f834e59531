import type { LinkId } from '../../src/base/ids.js';
import type { Random } from '../../src/base/random.js';
import { unpackOps, decodeMessage } from '../../src/protocol/codec.js';
import type { SimPeer } from './sim-peer.js';
import type { World } from './world.js';

export interface NetworkOptions {
  /** The least and the longest one-way delay of a message, milliseconds: each link's direction gets a range of its own. */
  readonly delayMs: readonly [number, number];
  /** Of 1: how often a push is delivered twice. */
  readonly duplicates: number;
  /** Of 1: how often a push vanishes, although its link lives on. */
  readonly lostPushes: number;
}

/** What a test may do to messages on their way, to see whether the checks find it: bytes in, bytes out, none to lose it. */
export type Tamper = (from: SimPeer, to: SimPeer, bytes: Uint8Array) => Uint8Array | undefined;

interface SimLink {
  readonly ends: readonly [End, End];
}

interface End {
  readonly peer: SimPeer;
  readonly life: number;
  readonly link: LinkId;
  readonly delayMs: readonly [number, number];
  /** This side still believes in the link. */
  open: boolean;
  /** When the last message under way to this end arrives: later ones come after it. */
  lastArrival: number;
  /** Dots pushed towards this end, to prove that none comes twice. */
  readonly pushed: Set<string>;
}

/** The number of a message's type is its second byte. */
const KINDS = [
  'none',
  'hello',
  'goodbye',
  'push',
  'digest',
  'same',
  'vectors',
  'deltaRequest',
  'chunk',
  'credit',
  'cancel',
  'below',
  'ping',
  'pong',
  'peers',
  'ack',
];

/** Carries messages between peers: in order on a link, not across links. Breaks what it is told to break. */
export class Network {
  readonly #world: World;
  readonly #random: Random;
  readonly #options: NetworkOptions;
  readonly #links = new Map<string, SimLink>();
  readonly #cut = new Set<string>();
  #lastLink = 0;
  tamper: Tamper | undefined;
  /** Messages sent so far, by type. */
  readonly sent = new Map<string, number>();
  dials = 0;

  constructor(world: World, options: Partial<NetworkOptions>) {
    this.#world = world;
    this.#random = world.random;
    this.#options = { delayMs: [1, 40], duplicates: 0, lostPushes: 0, ...options };
  }

  get size(): number {
    return new Set(this.#links.values()).size;
  }

  dial(from: SimPeer, url: string): void {
    const { life } = from;
    this.dials++;
    this.#world.after(this.#between(this.#options.delayMs), () => {
      if (from.life !== life) return;
      const to = this.#world.peers.find((peer) => peer.url === url);
      if (!to?.running || this.#isCut(from, to)) {
        from.take({ kind: 'dialFailed', url, reason: 'refused' });
        return;
      }
      const ends = [this.#end(from), this.#end(to)] as const;
      const link: SimLink = { ends };
      for (const end of ends) this.#links.set(keyOf(end.peer, end.link), link);
      from.take({ kind: 'linkOpened', link: ends[0].link, direction: 'out', remote: url, url });
      to.take({ kind: 'linkOpened', link: ends[1].link, direction: 'in', remote: from.url });
    });
  }

  #end(peer: SimPeer): End {
    const [least, most] = this.#options.delayMs;
    const low = least + this.#random.float() * (most - least);
    const delayMs = [low, low + this.#random.float() * (most - low)] as const;
    const link = ++this.#lastLink as LinkId;
    return { peer, life: peer.life, link, delayMs, open: true, lastArrival: 0, pushed: new Set() };
  }

  #between([least, most]: readonly [number, number]): number {
    return least + this.#random.float() * (most - least);
  }

  send(from: SimPeer, id: LinkId, sent: Uint8Array): void {
    const pair = this.#ends(from, id);
    if (!pair) return;
    const [, to] = pair;
    const kind = KINDS[sent[1] ?? 0] ?? 'unknown';
    this.sent.set(kind, (this.sent.get(kind) ?? 0) + 1);
    let copies = 1;
    if (kind === 'push') {
      this.#watchPush(to, sent);
      if (this.#random.float() < this.#options.lostPushes) copies = 0;
      else if (this.#random.float() < this.#options.duplicates) copies = 2;
    }
    const bytes = this.tamper ? this.tamper(from, to.peer, sent) : sent;
    if (bytes) for (let i = 0; i < copies; i++) this.#carry(to, bytes);
  }

  #carry(to: End, bytes: Uint8Array): void {
    const { now } = this.#world;
    to.lastArrival = Math.max(to.lastArrival, now + this.#between(to.delayMs));
    this.#world.after(to.lastArrival - now, () => {
      if (to.open && to.peer.life === to.life) {
        to.peer.take({ kind: 'received', messages: [{ link: to.link, bytes }] });
        if (KINDS[bytes[1] ?? 0] === 'chunk') this.#world.onChunk?.(to.peer);
      }
    });
  }

  /** A pushed write crosses each link at most once in each direction. */
  #watchPush(to: End, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if (message.type !== 'push') return;
    for (const { origin, seq } of unpackOps(message.origin, message.body)) {
      const dot = `${message.bucket} ${origin}.${seq}`;
      if (to.pushed.has(dot)) throw new Error(`${dot} was pushed to ${to.peer.url} twice over one link`);
      to.pushed.add(dot);
    }
  }

  /** This end and the other one of a link that lives. */
  #ends(peer: SimPeer, id: LinkId): readonly [End, End] | undefined {
    const ends = this.#links.get(keyOf(peer, id))?.ends;
    if (!ends) return undefined;
    return ends[0].link === id ? ends : [ends[1], ends[0]];
  }

  /** One side ends a link; what it sent before arrives first, as over TCP. */
  close(from: SimPeer, id: LinkId, reason: string): void {
    const pair = this.#ends(from, id);
    if (!pair) return;
    const [here, there] = pair;
    this.#tellClosed(here, reason);
    const wait = Math.max(0, there.lastArrival - this.#world.now) + 1;
    this.#world.after(wait, () => this.#tellClosed(there, reason));
  }

  #tellClosed(end: End, reason: string): void {
    if (!end.open) return;
    end.open = false;
    this.#links.delete(keyOf(end.peer, end.link));
    this.#world.after(1, () => {
      if (end.peer.life === end.life) end.peer.take({ kind: 'linkClosed', link: end.link, reason });
    });
  }

  #drop({ ends }: SimLink, reason: string): void {
    for (const end of ends) this.#tellClosed(end, reason);
  }

  /** Every link of a peer breaks, with what was under way. */
  sever(peer: SimPeer): void {
    for (const link of new Set(this.#links.values())) {
      if (link.ends.some((end) => end.peer === peer)) this.#drop(link, 'broken');
    }
  }

  #pick(): SimLink | undefined {
    return this.#random.pick([...new Set(this.#links.values())]);
  }

  /** Breaks one random link, with what was under way. */
  breakLink(): void {
    const link = this.#pick();
    if (link) this.#drop(link, 'broken');
  }

  /** One side of a random link learns that it broke; the other believes in it until its pings go unanswered. */
  halfOpen(): void {
    const link = this.#pick();
    if (!link) return;
    const knows = this.#random.pick(link.ends);
    if (knows) this.#tellClosed(knows, 'broken');
  }

  cut(a: SimPeer, b: SimPeer): void {
    this.#cut.add(pairOf(a, b));
    for (const link of new Set(this.#links.values())) {
      if (this.#isCut(link.ends[0].peer, link.ends[1].peer)) this.#drop(link, 'cut');
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  #isCut(a: SimPeer, b: SimPeer): boolean {
    return this.#cut.has(pairOf(a, b));
  }
}

const keyOf = (peer: SimPeer, link: LinkId): string => `${peer.url} ${link}`;
const pairOf = (a: SimPeer, b: SimPeer): string => [a.url, b.url].sort().join(' ');
