import { utf8 } from '../../src/base/bytes.js';
import type { OriginId, PeerId } from '../../src/base/ids.js';
import type { Entry } from '../../src/data/entry.js';
import type { Batch } from '../../src/replica/batch.js';
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
  /** The most links that it keeps. */
  readonly links: number;
  /** From a commit to its flush. */
  readonly flushMs: readonly [number, number];
  /** At most so late after it was due the process wakes: what arrives meanwhile comes before. */
  readonly busyMs: number;
}

/** What a test may break inside a process, to see whether the checks find it. */
export interface Sabotage {
  /** What the store makes of a batch. */
  readonly commit?: (batch: Batch) => Batch;
  /** A crashed peer goes on under its origin. */
  readonly keepsOrigin?: boolean;
  /** Writes are acknowledged before they are flushed. */
  readonly acknowledgesEarly?: boolean;
  /** Changes a replica that has just been made. */
  readonly replica?: (replica: Replica) => void;
}

/** Snapshots kept of one peer's store, for putting an old one back. */
const KEPT_SNAPSHOTS = 40;

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
  sabotage: Sabotage = {};
  readonly #world: World;
  /** What a crash leaves behind, and older states before it. */
  #flushed: MemorySnapshot[] = [];
  #cleanlyClosed = false;
  #wake = 0;
  #flushAt = 0;
  #lastRequest = 0;

  constructor(world: World, url: string, options: Partial<SimPeerOptions>) {
    this.#world = world;
    this.url = url;
    this.options = {
      peers: [],
      skewMs: 0,
      discovery: true,
      links: 64,
      flushMs: [0, 20],
      busyMs: 0.01,
      ...options,
    };
  }

  get bucket(): Bucket {
    const bucket = this.replica.core.buckets.get(BUCKET);
    if (!bucket) throw new Error('no bucket');
    return bucket;
  }

  /** Starts a process on what the last one left; without a clean end it goes on under a new origin. */
  start(): void {
    const { random } = this.#world;
    const fresh = random.id() as OriginId;
    const snapshot = this.#flushed.at(-1);
    if (snapshot) {
      const same = this.#cleanlyClosed || this.sabotage.keepsOrigin;
      const ids = { peerId: snapshot.ids.peerId, origin: same ? snapshot.ids.origin : fresh };
      this.storage = new MemoryStorage(ids, { snapshot, provenance: same ? 'untouched' : 'unclean' });
    } else {
      this.storage = new MemoryStorage({ peerId: random.id() as PeerId, origin: fresh });
      this.#flushed.push(this.storage.snapshot());
    }
    this.#cleanlyClosed = false;
    const words = [random.uint32(), random.uint32(), random.uint32(), random.uint32()] as const;
    this.replica = new Replica(this.#settings(), this.storage.initial, this.storage, words);
    this.sabotage.replica?.(this.replica);
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
      links: this.options.links,
      // One or two entries: deltas of many chunks.
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
    this.#end();
    this.#world.network.sever(this);
  }

  /** The process says goodbye, flushes and ends. */
  leave(): void {
    this.take({ kind: 'leave' });
    this.#flushed.push(this.storage.snapshot());
    this.#cleanlyClosed = true;
    this.#end();
  }

  #end(): void {
    this.running = false;
    this.life++;
    this.#flushAt = 0;
  }

  /** The data directory is lost with the process, and with it what was acknowledged and not yet replicated. */
  wipe(): void {
    if (this.running) this.crash();
    this.#flushed = [];
    this.acknowledged.length = 0;
  }

  /** An older copy of the store is put back, and nobody notices: it goes on under the origin of that time. */
  restoreOld(): void {
    if (this.running) this.crash();
    this.#flushed.length = this.#world.random.integer(1, this.#flushed.length);
    this.#cleanlyClosed = true;
    this.acknowledged.length = 0;
    this.#world.tainted = true;
  }

  take(input: Input): void {
    if (!this.running) return;
    this.#world.steps++;
    const { now, time } = this.#world;
    this.#perform(this.replica.handle(input, { mono: now, wall: time + this.options.skewMs }));
  }

  #perform(step: Step): void {
    if (step.persist) this.#persist(step.persist, step.replies.flatMap(entriesOf));
    for (const { link, bytes } of step.sends) this.#world.network.send(this, link, bytes);
    for (const { link, reason } of step.closes) this.#world.network.close(this, link, reason);
    for (const url of step.dials) this.#world.network.dial(this, url);
    this.notes.push(...step.notes);
    this.#sleep(step.wakeAt);
  }

  #persist(batch: Batch, written: readonly Entry[]): void {
    const { random } = this.#world;
    for (const { entry } of batch.puts) {
      if (entry.origin === this.replica.core.origin) this.#world.record(entry);
    }
    this.storage.commit(this.sabotage.commit?.(batch) ?? batch);
    if (this.sabotage.acknowledgesEarly) this.acknowledged.push(...written);
    const snapshot = this.storage.snapshot();
    const { life } = this;
    // A flush takes with it all that was committed before.
    this.#flushAt = Math.max(this.#flushAt, this.#world.now + random.integer(...this.options.flushMs));
    this.#world.after(this.#flushAt - this.#world.now, () => {
      if (this.life !== life) return;
      this.#flushed.push(snapshot);
      if (this.#flushed.length > KEPT_SNAPSHOTS) this.#flushed.shift();
      if (!this.sabotage.acknowledgesEarly) this.acknowledged.push(...written);
    });
  }

  #sleep(wakeAt: number): void {
    const wake = ++this.#wake;
    if (wakeAt === Infinity) return;
    const { life } = this;
    const late = 0.01 + this.#world.random.float() * this.options.busyMs;
    this.#world.after(Math.max(0, wakeAt - this.#world.now) + late, () => {
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

  hasNoted(event: string): boolean {
    return this.notes.some((note) => note.event === event);
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
