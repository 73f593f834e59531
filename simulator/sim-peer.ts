import type { BucketName, OriginId, PeerId } from '../src/base/ids.js';
import type { Random } from '../src/base/random.js';
import type { LocalOp } from '../src/data/op.js';
import type { PolicyName } from '../src/data/policy.js';
import type { Bucket } from '../src/replica/bucket.js';
import { Replica } from '../src/replica/replica.js';
import type { Input, Note, Reply, Step } from '../src/replica/step.js';
import type { Batch } from '../src/replica/batch.js';
import { Disk, type Tail } from './disk.js';
import { WaitingInputs } from './inbox.js';
import { LightStorage } from './light-storage.js';
import { type Copy, type Damage, SimStorage } from './sim-storage.js';
import {
  type Acknowledged,
  DEFAULTS,
  type Sabotage,
  settingsOf,
  type SimPeerOptions,
} from './sim-peer-options.js';
import { BUCKET, type World } from './world.js';

/** One peer's process: a replica over a store whose unflushed tail is lost in a crash. */
export class SimPeer {
  readonly url: string;
  /** Among the world's peers, counted from 0. */
  readonly place: number;
  readonly options: SimPeerOptions;
  running = false;
  /** An old copy of its store was put back, and it did not notice. */
  tainted = false;
  /** Counts the processes: what was meant for a former one is void. */
  life = 0;
  /** Over all its processes. */
  bytesSent = 0;
  storage!: SimStorage;
  replica!: Replica;
  readonly disk = new Disk();
  readonly notes: Note[] = [];
  sabotage: Sabotage = {};
  readonly #world: World;
  readonly #random: Random;
  #copy: Copy | undefined;
  /** When the process is to wake; `Infinity`: not by itself. */
  #wakeAt = Infinity;
  /** The earliest moment to which the world has been asked to look after it. */
  #alarmAt = Infinity;
  #flushAt = 0;
  #lastRequest = 0;
  readonly #buckets = new Map<number, BucketName>();
  readonly #waiting = new WaitingInputs();
  /** The process does nothing until then. */
  #stoppedUntil = 0;
  /** The process looks at what came in only from time to time. */
  #slow: { readonly everyMs: number; readonly until: number } | undefined;

  constructor(world: World, url: string, options: Partial<SimPeerOptions>) {
    this.#world = world;
    this.url = url;
    this.place = world.peers.length;
    this.#random = world.stream(url);
    this.options = { ...DEFAULTS, ...options };
  }

  policyOf(name: BucketName): PolicyName | undefined {
    return this.options.policies[name] ?? this.#world.policies[name];
  }

  bucketNamed(name: BucketName): Bucket {
    const bucket = this.replica.core.buckets.get(name);
    if (!bucket) throw new Error(`${this.url} has no bucket '${name}'`);
    return bucket;
  }

  /** The bucket of worlds that have only one. */
  get bucket(): Bucket {
    return this.bucketNamed(BUCKET);
  }

  /** Starts a process on what the last one left; without a clean end it goes on under a new origin. */
  start(): void {
    const random = this.#random;
    this.disk.full = undefined;
    const draw = (): string => random.id();
    if (this.options.durable) this.storage = this.disk.open(draw, this.sabotage.keepsOrigin === true);
    else {
      const ids = { peerId: draw() as PeerId, origin: draw() as OriginId };
      this.storage = this.options.light ? new LightStorage(ids) : new SimStorage(ids);
    }
    const words = [random.uint32(), random.uint32(), random.uint32(), random.uint32()] as const;
    const { initial } = this.storage;
    this.replica = new Replica(
      settingsOf(this.url, this.options, this.#world.policies),
      this.sabotage.opened?.(initial) ?? initial,
      this.storage,
      words,
    );
    this.sabotage.replica?.(this.replica);
    this.running = true;
    this.life++;
    this.#world.observer.started?.(this);
    this.take({ kind: 'wake' });
  }

  /** The process dies; what was not flushed is lost, or of that the newest part. */
  crash({ kept = 0, silent = false } = {}): void {
    this.#end();
    const { tear } = this.sabotage;
    const tail: Tail = tear ? { kept, tear } : { kept };
    this.disk.crash(tail);
    this.#world.network.sever(this, silent);
  }

  /** The process says goodbye, flushes and ends. */
  leave(): void {
    this.resume();
    this.take({ kind: 'leave' });
    // A disk that is full may have ended it on the way: that is no clean end.
    if (!this.running) return;
    this.disk.close();
    this.#end();
    this.#world.network.hangUp(this);
  }

  #end(): void {
    this.running = false;
    this.life++;
    this.#flushAt = 0;
    this.#wakeAt = this.#alarmAt = Infinity;
    this.#stoppedUntil = 0;
    this.#slow = undefined;
    this.#waiting.takeAll();
    this.#buckets.clear();
  }

  /** The data directory is lost with the process. */
  wipe(): void {
    if (this.running) this.crash();
    this.disk.wipe();
    this.#world.observer.diskReplaced?.(this);
  }

  /** Takes a copy of what is on the disk now, for `restore`. */
  backUp(): void {
    this.#copy = this.disk.copy();
  }

  /**
   * Puts the copy back in place of what is there now.
   * @param unnoticed the process goes on under the origin of that time: a dot may come to name two things
   * @returns whether there was a copy
   */
  restore(unnoticed: boolean): boolean {
    const copy = this.#copy;
    if (!copy || !this.options.durable) return false;
    if (this.running) this.crash();
    this.disk.restore(copy, unnoticed);
    if (unnoticed) this.tainted = this.#world.tainted = true;
    this.#world.observer.diskReplaced?.(this);
    return true;
  }

  /** A bit flips in the row of a key. @returns whether there is such a row */
  damage(bucket: BucketName, key: string, what: Damage): boolean {
    if (!this.running || !this.storage.damage(bucket, key, what)) return false;
    this.disk.damage(bucket, key, what);
    return true;
  }

  /** What nobody can notice, as nothing asks for it, is as it was. */
  mendLost(): void {
    this.storage.mendLost();
    this.disk.mendLost();
  }

  /** The process stops, as by SIGSTOP, and later goes on with what came in meanwhile. */
  stop(forMs: number): void {
    this.#stoppedUntil = Math.max(this.#stoppedUntil, this.#world.now + forMs);
  }

  /** Whether it takes an input at once. */
  get isAwake(): boolean {
    return this.running && this.#stoppedUntil <= this.#world.now;
  }

  /** For a while the process looks only now and then at what came in. */
  slowDown(everyMs: number, forMs: number): void {
    this.#slow = { everyMs, until: this.#world.now + forMs };
  }

  /** A process that was stopped or slow goes on. */
  resume(): void {
    this.#stoppedUntil = 0;
    this.#slow = undefined;
    this.#drain();
  }

  take(input: Input): void {
    if (!this.running) return;
    const { now } = this.#world;
    if (this.#slow && this.#stoppedUntil <= now) {
      if (now < this.#slow.until) this.#stoppedUntil = now + this.#slow.everyMs;
      else this.#slow = undefined;
    }
    if (this.#stoppedUntil <= now && this.#waiting.length === 0) return this.#handle(input);
    if (this.#waiting.length === 0) this.#drainAt(this.#stoppedUntil);
    this.#waiting.add(input);
  }

  #drainAt(at: number): void {
    const { life } = this;
    this.#world.at(at, () => {
      if (this.life !== life) return;
      // It may have been stopped for longer meanwhile.
      if (this.#stoppedUntil > this.#world.now) this.#drainAt(this.#stoppedUntil);
      else this.#drain();
    });
  }

  #drain(): void {
    for (const input of this.#waiting.takeAll()) if (this.running) this.#handle(input);
  }

  #handle(input: Input): void {
    const { now, time, observer } = this.#world;
    this.#world.steps++;
    observer.handling?.(this, input);
    const step = this.replica.handle(input, { mono: now, wall: time + this.options.skewMs });
    // A store that refuses a batch ends the process before anything of the step is done.
    if (step.persist && this.disk.full === 'refuses') return this.crash();
    const batch = step.persist && (this.sabotage.commit?.(step.persist) ?? step.persist);
    if (batch) this.storage.commit(batch);
    observer.handled?.(this, input, step);
    this.#persist(batch);
    this.#perform(step);
  }

  #perform(step: Step): void {
    const { network } = this.#world;
    this.#acknowledge(step);
    for (const { link, bytes } of step.sends) network.send(this, link, bytes);
    for (const { link, reason } of step.closes) network.close(this, link, reason);
    for (const url of step.dials) network.dial(this, url);
    if (step.notes.length > 0) this.notes.push(...step.notes);
    this.#sleep(step.wakeAt);
  }

  #persist(batch: Batch | undefined): void {
    if (!this.options.durable || !batch) return;
    const written = this.disk.write(batch);
    // A flush takes with it all that was committed before.
    this.#flushAt = Math.max(this.#flushAt, this.#world.now + this.#random.integer(...this.options.flushMs));
    this.#whenFlushed(() => {
      if (this.disk.full === 'fails') this.crash();
      else this.disk.flush(written);
    });
  }

  /** Callers hear of their writes, and the replica of its marks, once all that was persisted so far is on the disk. */
  #acknowledge({ replies, flushMark }: Step): void {
    const written = replies.flatMap((reply) => this.#entriesOf(reply));
    const tell = (): void => {
      if (written.length > 0 && this.options.durable) this.#world.observer.acknowledged?.(this, written);
      if (flushMark !== undefined) this.take({ kind: 'flushed', mark: flushMark });
    };
    if (this.sabotage.acknowledgesEarly && written.length > 0) {
      this.#world.observer.acknowledged?.(this, written);
      written.length = 0;
    }
    if (this.sabotage.flushesInWords) this.#world.after(0, tell);
    else if (written.length > 0 || flushMark !== undefined) this.#whenFlushed(tell);
  }

  #whenFlushed(run: () => void): void {
    const { life } = this;
    this.#world.at(this.#flushAt, () => {
      if (this.life === life) run();
    });
  }

  #entriesOf({ request, outcome }: Reply): Acknowledged[] {
    const bucket = this.#buckets.get(request);
    this.#buckets.delete(request);
    if (bucket === undefined || outcome instanceof Error || outcome.kind !== 'written') return [];
    return outcome.results.flatMap(({ entry }) => (entry ? [{ bucket, entry }] : []));
  }

  #sleep(wakeAt: number): void {
    if (wakeAt === Infinity) {
      this.#wakeAt = Infinity;
      return;
    }
    const late = 0.01 + this.#random.float() * this.options.busyMs;
    this.#wakeAt = Math.max(this.#world.now, wakeAt) + late;
    this.#setAlarm();
  }

  /** Nearly every step puts off the wake: an alarm that comes too early is set anew, instead of one alarm a step. */
  #setAlarm(): void {
    const at = this.#wakeAt;
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    const { life } = this;
    this.#world.at(at, () => {
      if (this.life !== life || this.#alarmAt !== at) return;
      this.#alarmAt = Infinity;
      if (this.#wakeAt > at) this.#setAlarm();
      else {
        this.#wakeAt = Infinity;
        this.take({ kind: 'wake' });
      }
    });
  }

  /** Callers' writes; of one moment, they come in one input, as in a real peer. */
  write(bucket: BucketName, ...ops: readonly LocalOp[]): void {
    const writes = ops.map((op) => {
      const request = ++this.#lastRequest;
      this.#buckets.set(request, bucket);
      return { request, bucket, ops: [op] };
    });
    this.take({ kind: 'writes', writes });
  }

  set(key: string, value: string): void {
    this.setAll([key], value);
  }

  setAll(keys: readonly string[], value: string): void {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    this.write(BUCKET, ...keys.map((key) => ({ key, value: bytes })));
  }

  delete(key: string): void {
    this.write(BUCKET, { key, value: null });
  }

  /** A request that is not a write. */
  ask(
    input:
      | { kind: 'addPeer'; url: string }
      | { kind: 'removePeer' | 'evict'; target: string }
      | { kind: 'compare' },
  ): void {
    this.take({ ...input, request: ++this.#lastRequest });
  }

  hasNoted(event: string): boolean {
    return this.notes.some((note) => note.event === event);
  }

  /** A bucket's vector and hash: equal between replicas that agree. */
  digestText({ vector, fingerprint }: Bucket): string {
    return `${vector.toText()} ${fingerprint.toText()}`;
  }

  /** Everything that must be equal between replicas that cover the same dots. */
  stateText(name: BucketName = BUCKET): string {
    const rows = [...this.storage.cells(name, {})].flatMap((cell) =>
      cell
        .filter(({ value }) => value !== null)
        .map(({ key, origin, seq, value }) => `${key}=${String(value)}@${origin}.${seq}`),
    );
    return `${this.digestText(this.bucketNamed(name))} ${rows.join(' ')}`;
  }
}
