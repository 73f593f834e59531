import { utf8 } from '../../src/base/bytes.js';
import type { OriginId, PeerId } from '../../src/base/ids.js';
import type { Entry } from '../../src/data/entry.js';
import type { Bucket } from '../../src/replica/bucket.js';
import { Replica } from '../../src/replica/replica.js';
import type { Input, Note, Reply, Step } from '../../src/replica/step.js';
import { type MemorySnapshot, MemoryStorage } from '../../src/storage/memory.js';
import { BUCKET, type World } from './world.js';

export interface SimPeerOptions {
  /** Urls that its config names. */
  readonly peers: readonly string[];
  /** Its wall clock minus the true time, milliseconds; may change while it runs. */
  skewMs: number;
  readonly discovery: boolean;
  /** From a commit to its flush. */
  readonly flushMs: readonly [number, number];
}

/** The true time at which every world begins, milliseconds since 1970. */
const EPOCH = 1_700_000_000_000;

/** One peer's process: a replica over a store whose unflushed tail is lost in a crash. */
export class SimPeer {
  readonly url: string;
  readonly options: SimPeerOptions;
  running = false;
  /** Counts the processes: what was meant for a former one is void. */
  life = 0;
  storage!: MemoryStorage;
  replica!: Replica;
  readonly notes: Note[] = [];
  /** Writes that were acknowledged: flushed before any crash. */
  readonly acknowledged: Entry[] = [];
  readonly #world: World;
  #flushed: MemorySnapshot | undefined;
  #wake = 0;
  #flushAt = 0;
  #lastRequest = 0;

  constructor(world: World, url: string, options: Partial<SimPeerOptions>) {
    this.#world = world;
    this.url = url;
    this.options = { peers: [], skewMs: 0, discovery: true, flushMs: [0, 20], ...options };
  }

  get bucket(): Bucket {
    const bucket = this.replica.core.buckets.get(BUCKET);
    if (!bucket) throw new Error('no bucket');
    return bucket;
  }

  /** Starts a process: on an empty store, or after `crash` on what had been flushed, under a new origin. */
  start(): void {
    const { random } = this.#world;
    const origin = random.id() as OriginId;
    const former = this.#flushed;
    this.storage = former
      ? new MemoryStorage({ peerId: former.ids.peerId, origin }, { snapshot: former, provenance: 'unclean' })
      : new MemoryStorage({ peerId: random.id() as PeerId, origin });
    this.#flushed ??= this.storage.snapshot();
    const words = [random.uint32(), random.uint32(), random.uint32(), random.uint32()] as const;
    this.replica = new Replica(this.#settings(), this.storage.initial, this.storage, words);
    this.running = true;
    this.life++;
    this.take({ kind: 'wake' });
  }

  #settings(): ConstructorParameters<typeof Replica>[0] {
    return {
      name: this.url,
      version: 'simulated',
      url: this.url,
      discovery: this.options.discovery,
      antiEntropyMs: [1000, 15000],
      maxClockDriftMs: 60_000,
      pingMs: 5000,
      pingTimeoutMs: 15_000,
      links: 64,
      deltaChunkBytes: 40,
      cluster: 'simulated',
      buckets: { [BUCKET]: { policy: 'lww' } },
      peers: this.options.peers,
      addresses: 512,
      dialBackoffMs: [200, 5000],
    };
  }

  /** The process dies; what was not flushed is lost. */
  crash(): void {
    this.running = false;
    this.life++;
    this.#world.sever(this);
  }

  /** The data directory is lost with the process, and with it what was acknowledged and not yet replicated. */
  wipe(): void {
    if (this.running) this.crash();
    this.#flushed = undefined;
    this.acknowledged.length = 0;
  }

  take(input: Input): void {
    if (!this.running) return;
    this.#world.steps++;
    const { now } = this.#world;
    const step = this.replica.handle(input, { mono: now, wall: EPOCH + now + this.options.skewMs });
    this.#perform(step);
  }

  #perform(step: Step): void {
    if (step.persist) {
      this.storage.commit(step.persist);
      const snapshot = this.storage.snapshot();
      const { life } = this;
      const [least, most] = this.options.flushMs;
      const written = step.replies.flatMap(entriesOf);
      this.#world.log.push(
        ...step.persist.puts.map((put) => put.entry).filter((e) => e.origin === this.replica.core.origin),
      );
      // A flush takes with it all that was committed before.
      this.#flushAt = Math.max(this.#flushAt, this.#world.now + this.#world.random.integer(least, most));
      this.#world.after(this.#flushAt - this.#world.now, () => {
        if (this.life !== life) return;
        this.#flushed = snapshot;
        this.acknowledged.push(...written);
      });
    }
    for (const { link, bytes } of step.sends) this.#world.send(this, link, bytes);
    for (const { link, reason } of step.closes) this.#world.close(this, link, reason);
    for (const url of step.dials) this.#world.dial(this, url);
    this.notes.push(...step.notes);
    this.#sleep(step.wakeAt);
  }

  #sleep(wakeAt: number): void {
    const wake = ++this.#wake;
    if (wakeAt === Infinity) return;
    const { life } = this;
    this.#world.after(Math.max(0.01, wakeAt - this.#world.now), () => {
      if (this.life === life && this.#wake === wake) this.take({ kind: 'wake' });
    });
  }

  set(key: string, value: string): void {
    this.#write(key, utf8(JSON.stringify(value)));
  }

  delete(key: string): void {
    this.#write(key, null);
  }

  #write(key: string, value: Uint8Array | null): void {
    const request = ++this.#lastRequest;
    this.take({ kind: 'writes', writes: [{ request, bucket: BUCKET, ops: [{ key, value }] }] });
  }

  /** Everything that must be equal between replicas that cover the same dots. */
  stateText(): string {
    const live = [...this.storage.entries(BUCKET, {})].filter((entry) => entry.value !== null);
    const rows = live.map(({ key, origin, seq, value }) => `${key}=${String(value)}@${origin}.${seq}`);
    return `${this.bucket.vector.toText()} ${this.bucket.fingerprint.toText()} ${rows.join(' ')}`;
  }
}

const entriesOf = ({ outcome }: Reply): Entry[] =>
  Array.isArray(outcome) ? outcome.flatMap(({ entry }: { entry?: Entry }) => (entry ? [entry] : [])) : [];
