import { Heap } from '../../src/base/heap.js';
import type { BucketName, LinkId } from '../../src/base/ids.js';
import { Random } from '../../src/base/random.js';
import { compareEntries, type Entry } from '../../src/data/entry.js';
import { decodeMessage, unpackOps } from '../../src/protocol/codec.js';
import { SimPeer, type SimPeerOptions } from './sim-peer.js';

export interface Faults {
  /** Delay of a message, milliseconds of virtual time: order is kept on a link, not across links. */
  readonly delayMs: readonly [number, number];
  /** Of 1: how often a push is delivered twice. */
  readonly duplicates: number;
}

interface SimLink {
  readonly ends: readonly [End, End];
  open: boolean;
}

interface End {
  readonly peer: SimPeer;
  readonly link: LinkId;
  /** When the last message under way to this end arrives: later ones come after it. */
  lastArrival: number;
  /** Dots pushed towards this end, to prove that none comes twice. */
  readonly pushed: Set<string>;
}

interface Event {
  readonly at: number;
  readonly order: number;
  run(): void;
}

export const BUCKET = 'default' as BucketName;

/**
 * Several replicas in one process and in virtual time: the same seed gives the same run. The world carries their
 * messages, and breaks what it is told to break.
 */
export class World {
  readonly random: Random;
  readonly peers: SimPeer[] = [];
  /** Every write that was ever given a dot, whether it survived or not. */
  readonly log: Entry[] = [];
  now = 0;
  /** Steps handled so far: a measure of work done. */
  steps = 0;
  readonly #faults: Faults;
  readonly #events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  readonly #links = new Map<string, SimLink>();
  readonly #cut = new Set<string>();
  #order = 0;
  #lastLink = 0;

  constructor(seed: number, faults: Partial<Faults> = {}) {
    this.random = Random.fromNumber(seed);
    this.#faults = { delayMs: [1, 40], duplicates: 0, ...faults };
  }

  addPeer(options: Partial<SimPeerOptions> = {}): SimPeer {
    const peer = new SimPeer(this, `http://peer-${this.peers.length + 1}:1`, options);
    this.peers.push(peer);
    peer.start();
    return peer;
  }

  /** Calls `run` after a delay; `peer`'s events die with its process. */
  after(delayMs: number, run: () => void): void {
    this.#events.push({ at: this.now + delayMs, order: this.#order++, run });
  }

  /** Runs until `done` holds or virtual time is up; says whether it held. */
  run(untilMs: number, done: () => boolean = () => false): boolean {
    for (;;) {
      if (done()) return true;
      const event = this.#events.pop();
      if (!event || event.at > untilMs) {
        if (event) this.#events.push(event);
        this.now = Math.max(this.now, untilMs);
        return done();
      }
      this.now = Math.max(this.now, event.at);
      event.run();
    }
  }

  #delay(): number {
    const [least, most] = this.#faults.delayMs;
    return least + this.random.float() * (most - least);
  }

  dial(from: SimPeer, url: string): void {
    const { life } = from;
    this.after(this.#delay(), () => {
      if (from.life !== life) return;
      const to = this.peers.find((peer) => peer.url === url);
      if (!to?.running || this.#isCut(from, to)) {
        from.take({ kind: 'dialFailed', url, reason: 'refused' });
        return;
      }
      const ends = [this.#end(from), this.#end(to)] as const;
      const link: SimLink = { ends, open: true };
      for (const end of ends) this.#links.set(keyOf(end.peer, end.link), link);
      from.take({ kind: 'linkOpened', link: ends[0].link, direction: 'out', remote: url, url });
      to.take({ kind: 'linkOpened', link: ends[1].link, direction: 'in', remote: from.url });
    });
  }

  #end(peer: SimPeer): End {
    return { peer, link: ++this.#lastLink as LinkId, lastArrival: 0, pushed: new Set() };
  }

  send(from: SimPeer, id: LinkId, bytes: Uint8Array): void {
    const link = this.#links.get(keyOf(from, id));
    if (!link?.open) return;
    const to = link.ends[0].link === id ? link.ends[1] : link.ends[0];
    const isPush = this.#watchPush(to, bytes);
    const copies = isPush && this.random.float() < this.#faults.duplicates ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      to.lastArrival = Math.max(to.lastArrival, this.now + this.#delay());
      const { life } = to.peer;
      this.after(to.lastArrival - this.now, () => {
        if (link.open && to.peer.life === life) {
          to.peer.take({ kind: 'received', messages: [{ link: to.link, bytes }] });
        }
      });
    }
  }

  /** A pushed write crosses each link at most once in each direction. */
  #watchPush(to: End, bytes: Uint8Array): boolean {
    const message = decodeMessage(bytes);
    if (message.type !== 'push') return false;
    for (const { origin, seq } of unpackOps(message.origin, message.body)) {
      const dot = `${message.bucket} ${origin}.${seq}`;
      if (to.pushed.has(dot)) throw new Error(`${dot} was pushed to ${to.peer.url} twice over one link`);
      to.pushed.add(dot);
    }
    return true;
  }

  close(from: SimPeer, id: LinkId, reason: string): void {
    const link = this.#links.get(keyOf(from, id));
    if (!link) return;
    // What was sent before arrives first, as over TCP.
    const [here, there] =
      link.ends[0].link === id ? [link.ends[0], link.ends[1]] : [link.ends[1], link.ends[0]];
    this.after(Math.max(0, there.lastArrival - this.now) + 1, () => this.#drop(link, reason));
    this.#tellClosed(here, reason);
  }

  #drop(link: SimLink, reason: string): void {
    if (!link.open) return;
    link.open = false;
    for (const end of link.ends) {
      this.#links.delete(keyOf(end.peer, end.link));
      this.#tellClosed(end, reason);
    }
  }

  #tellClosed({ peer, link }: End, reason: string): void {
    const { life } = peer;
    this.after(1, () => {
      if (peer.life === life) peer.take({ kind: 'linkClosed', link, reason });
    });
  }

  /** Every link of a peer breaks, with what was under way. */
  sever(peer: SimPeer): void {
    for (const link of new Set(this.#links.values())) {
      if (link.ends.some((end) => end.peer === peer)) this.#drop(link, 'broken');
    }
  }

  /** Breaks one random link; returns whether there was one. */
  breakLink(): boolean {
    const link = this.random.pick([...new Set(this.#links.values())]);
    if (link) this.#drop(link, 'broken');
    return link !== undefined;
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

  /** Whether all running peers cover the same dots and hold the same data. */
  get isEqual(): boolean {
    const states = new Set(this.peers.map((peer) => (peer.running ? peer.stateText() : 'down')));
    return states.size === 1;
  }

  /**
   * Predicate 1 of the replication rules, for each running peer against the log of all writes: what is covered is
   * held, or superseded by what is held.
   */
  checkCoverage(): void {
    for (const peer of this.peers) {
      if (!peer.running) continue;
      const { vector } = peer.bucket;
      for (const op of this.log) {
        if (!vector.covers(op)) continue;
        const held = peer.storage.get(BUCKET, op.key);
        if (!held || compareEntries(held, op) < 0) {
          throw new Error(`${peer.url} covers ${op.origin}.${op.seq} of '${op.key}' and does not have it`);
        }
      }
    }
  }
}

const keyOf = (peer: SimPeer, link: LinkId): string => `${peer.url} ${link}`;
const pairOf = (a: SimPeer, b: SimPeer): string => [a.url, b.url].sort().join(' ');
