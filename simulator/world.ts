import { type BucketName, DEFAULT_BUCKET } from '../src/base/ids.js';
import { Random } from '../src/base/random.js';
import type { PolicyName } from '../src/data/policy.js';
import type { Input, Step } from '../src/replica/step.js';
import { Agenda } from './agenda.js';
import { Announcements } from './announcements.js';
import { Frames } from './frames.js';
import { Network, type NetworkOptions } from './network.js';
import { SimPeer } from './sim-peer.js';
import type { Acknowledged, Sabotage, SimPeerOptions } from './sim-peer-options.js';

/** Who looks on: may throw, and changes nothing. */
export interface Observer {
  /** A process has begun; nothing was handled yet. */
  started?(peer: SimPeer): void;
  /** An input is about to be handled. */
  handling?(peer: SimPeer, input: Input): void;
  /** The step's batch is committed; nothing of it is sent yet. */
  handled?(peer: SimPeer, input: Input, step: Step): void;
  /** Callers are told that these are done. */
  acknowledged?(peer: SimPeer, writes: readonly Acknowledged[]): void;
  /** The peer's disk was wiped, or an older copy put in its place. */
  diskReplaced?(peer: SimPeer): void;
  /** The same write is sent over one link again. */
  pushedTwice?(from: SimPeer, to: SimPeer, dot: string): void;
  /** A message is about to be taken by the peer it was sent to. */
  delivered?(from: SimPeer, to: SimPeer, kind: string, bytes: Uint8Array): void;
}

export const BUCKET = DEFAULT_BUCKET;
/** The true time at which every world begins, milliseconds since 1970. */
const EPOCH = 1_700_000_000_000;

export interface WorldOptions {
  readonly network?: Partial<NetworkOptions>;
  /** The buckets of all peers, and their policies. */
  readonly policies?: Readonly<Record<string, PolicyName>>;
}

/** Several replicas in one process and in virtual time: the same seed gives the same run. */
export class World {
  readonly seed: number;
  /** For whoever plays with the world; links and peers draw from streams of their own. */
  readonly random: Random;
  readonly policies: Readonly<Record<string, PolicyName>>;
  readonly network: Network;
  readonly frames = new Frames();
  readonly announcements = new Announcements();
  readonly peers: SimPeer[] = [];
  readonly #byUrl = new Map<string, SimPeer>();
  observer: Observer = {};
  /** A store was put back without its peer's knowing: a dot may name two things now. */
  tainted = false;
  /** What is broken in every peer that joins from now on. */
  sabotage: Sabotage = {};
  now = 0;
  /** Steps handled so far: a measure of work done. */
  steps = 0;
  readonly #events = new Agenda();
  #wallOffset = 0;

  constructor(seed: number, { network = {}, policies = { [BUCKET]: 'lww' } }: WorldOptions = {}) {
    this.seed = seed;
    this.random = Random.fromNumber(seed);
    this.policies = policies;
    this.network = new Network(this, network);
  }

  /** Chance of its own for each name, so that what happens in one place changes nothing elsewhere. */
  stream(name: string): Random {
    return new Random([this.seed >>> 0, Math.floor(this.seed / 2 ** 32), hashOf(name), 2]);
  }

  addPeer(options: Partial<SimPeerOptions> = {}): SimPeer {
    const peer = new SimPeer(this, urlOf(this.peers.length), options);
    peer.sabotage = this.sabotage;
    this.peers.push(peer);
    this.#byUrl.set(peer.url, peer);
    peer.start();
    return peer;
  }

  peerAt(url: string): SimPeer | undefined {
    return this.#byUrl.get(url);
  }

  get running(): SimPeer[] {
    return this.peers.filter((peer) => peer.running);
  }

  get buckets(): BucketName[] {
    return Object.keys(this.policies) as BucketName[];
  }

  /** The true time, milliseconds since 1970. */
  get time(): number {
    return EPOCH + this.now + this.#wallOffset;
  }

  /** Time passes in which nothing else happens: all wall clocks go on. */
  skipTime(millis: number): void {
    this.#wallOffset += millis;
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.now + delayMs, run);
  }

  /** At that time, after whatever was to happen at the same time and was said before. */
  at(at: number, run: () => void): void {
    this.#events.add(Math.max(this.now, at), run);
  }

  /** Runs until `done` holds or virtual time is up; says whether it held. */
  run(untilMs: number, done: () => boolean = () => false): boolean {
    for (;;) {
      if (done()) return true;
      const event = this.#events.takeUntil(untilMs);
      if (!event) {
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
      peer.disk.full = undefined;
      if (peer.running) peer.resume();
      else peer.start();
    }
  }

  /** Whether all peers run and those that replicate a bucket cover the same dots and hold the same data. */
  get isEqual(): boolean {
    if (this.peers.some(({ running }) => !running)) return false;
    return this.buckets.every((name) => this.groupsOf(name).every((group) => agree(name, group)));
  }

  /** The running peers by their policy for a bucket: only those of one group replicate it. */
  groupsOf(name: BucketName): SimPeer[][] {
    const groups = new Map<PolicyName, SimPeer[]>();
    for (const peer of this.running) {
      const policy = peer.bucketNamed(name).policy.name;
      const group = groups.get(policy);
      if (group) group.push(peer);
      else groups.set(policy, [peer]);
    }
    return [...groups.values()];
  }
}

/** The address of the n-th peer of a world, counted from 0. */
export const urlOf = (index: number): string => `http://peer-${index + 1}:1`;

function agree(name: BucketName, [first, ...others]: readonly SimPeer[]): boolean {
  if (!first) return true;
  const { vector, fingerprint } = first.bucketNamed(name);
  const hash = fingerprint.toText();
  return others.every((peer) => {
    const other = peer.bucketNamed(name);
    // The data first: where somebody lacks a write that nearly always tells, and costs little.
    return other.fingerprint.toText() === hash && other.vector.within(vector) && vector.within(other.vector);
  });
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
