import { Heap } from '../../src/base/heap.js';
import type { BucketName } from '../../src/base/ids.js';
import { Random } from '../../src/base/random.js';
import { dotToText } from '../../src/data/dot.js';
import type { Entry } from '../../src/data/entry.js';
import { Network, type NetworkOptions } from './network.js';
import { type Sabotage, SimPeer, type SimPeerOptions } from './sim-peer.js';

interface Event {
  readonly at: number;
  readonly order: number;
  run(): void;
}

export const BUCKET = 'default' as BucketName;
/** The true time at which every world begins, milliseconds since 1970. */
const EPOCH = 1_700_000_000_000;

/** Several replicas in one process and in virtual time: the same seed gives the same run. */
export class World {
  readonly random: Random;
  readonly network: Network;
  readonly peers: SimPeer[] = [];
  /** Every write that was ever given a dot, whether it survived or not. */
  readonly log: Entry[] = [];
  /** Dots under which two different writes were made. */
  readonly reused = new Set<string>();
  /** A store was put back without its peer's knowing: a dot may name two things now. */
  tainted = false;
  /** Called after a peer has taken a chunk of a delta: what it claims must be true at once. */
  onChunk: ((peer: SimPeer) => void) | undefined;
  /** How many keys there are to write to: few conflict, many make long deltas. */
  keys = 12;
  /** What is broken in every peer that joins from now on. */
  sabotage: Sabotage = {};
  now = 0;
  /** Steps handled so far: a measure of work done. */
  steps = 0;
  /** How often each kind of fault was done. */
  readonly tally = new Map<string, number>();
  readonly #events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  readonly #written = new Map<string, Entry>();
  #order = 0;
  #wallOffset = 0;

  constructor(seed: number, network: Partial<NetworkOptions> = {}) {
    this.random = Random.fromNumber(seed);
    this.network = new Network(this, network);
  }

  addPeer(options: Partial<SimPeerOptions> = {}): SimPeer {
    const peer = new SimPeer(this, `http://peer-${this.peers.length + 1}:1`, options);
    peer.sabotage = this.sabotage;
    this.peers.push(peer);
    peer.start();
    return peer;
  }

  get running(): SimPeer[] {
    return this.peers.filter((peer) => peer.running);
  }

  /** The true time, milliseconds since 1970. */
  get time(): number {
    return EPOCH + this.now + this.#wallOffset;
  }

  /** Time passes in which nothing else happens: all wall clocks go on. */
  skipTime(millis: number): void {
    this.#wallOffset += millis;
  }

  record(entry: Entry): void {
    this.log.push(entry);
    const dot = dotToText(entry);
    const former = this.#written.get(dot);
    if (former && former.digest.join() !== entry.digest.join()) this.reused.add(dot);
    this.#written.set(dot, entry);
  }

  count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }

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

  /** Ends every fault: links may form, clocks are right, everybody runs. */
  heal(): void {
    this.network.heal();
    for (const peer of this.peers) {
      peer.options.skewMs = 0;
      if (!peer.running) peer.start();
    }
  }

  /** Whether all peers run, cover the same dots and hold the same data. */
  get isEqual(): boolean {
    return new Set(this.peers.map((peer) => (peer.running ? peer.stateText() : 'down'))).size === 1;
  }
}
