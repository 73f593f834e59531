import { RumeurError, toRumeurError } from '../base/errors.js';
import type { BucketName } from '../base/ids.js';
import { type LocalOp, sizeOfOp } from '../data/op.js';
import type { Replica } from '../replica/replica.js';
import type { Change, Input, Note, Now, OpResult, Outcome, Received, Reply, Step } from '../replica/step.js';
import type { Comparison } from '../replica/comparison.js';
import type { Storage } from '../storage/storage.js';
import type { Transport } from '../transport/transport.js';
import { Backlog } from './backlog.js';
import { slowNote } from './disk-notes.js';
import { Inbox } from './inbox.js';
import { Requests } from './requests.js';

/** When a write is acknowledged: on disk, handed to the operating system, or at once. */
export type Durability = 'flushed' | 'committed' | 'memory';

/** A wake is put off no longer than that by what comes in meanwhile, milliseconds. */
const OVERDUE_MS = 50;
/** How long the loop runs before timers and sockets get their turn, milliseconds. */
const SLICE_MS = 8;

export interface LoopOptions {
  readonly durability: Durability;
  /** Unanswered writes beyond which further ones are refused with `OVERLOADED`. */
  readonly pendingWrites: number;
  /** The wall clock, milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly onChange: (change: Change) => void;
  readonly onNote: (note: Note) => void;
  /** The store or the replica failed: nothing more is handled. */
  readonly onFailure: (error: RumeurError) => void;
}

/**
 * The one loop: takes inputs in order, asks the replica for a step, performs it in order. Inputs that arrive in one
 * turn of the event loop share a transaction; writes that arrive during a flush share the next one (group commit).
 */
export class Loop {
  readonly #replica: Replica;
  readonly #storage: Storage;
  readonly #options: LoopOptions;
  readonly #requests: Requests;
  readonly #backlog: Backlog;
  #transport: Transport | undefined;
  readonly #inbox = new Inbox();
  #scheduled = false;
  /** Waiting for the store to catch up. */
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = 0;
  #wokenAt = 0;
  #failure: RumeurError | undefined;

  constructor(replica: Replica, storage: Storage, options: LoopOptions) {
    this.#replica = replica;
    this.#storage = storage;
    this.#options = options;
    this.#requests = new Requests(options.pendingWrites);
    this.#backlog = new Backlog(storage, {
      room: () => this.#resume(),
      slow: (ms) => options.onNote(slowNote(ms)),
    });
    // Also where nobody waits for the disk: writes that cannot get there must not be acknowledged any more.
    storage.onFailure((error) => this.fail(error));
  }

  get failure(): RumeurError | undefined {
    return this.#failure;
  }

  /** Begins to dial and to keep time. */
  start(transport: Transport): void {
    this.#transport = transport;
    this.enqueue({ kind: 'wake' });
  }

  async write(bucket: BucketName, ops: readonly LocalOp[]): Promise<readonly OpResult[]> {
    const bytes = ops.reduce((sum, op) => sum + sizeOfOp(op), 0);
    const outcome = await this.#request((request) => {
      this.#inbox.write({ request, bucket, ops });
      this.#schedule();
    }, bytes);
    return outcome.kind === 'written' ? outcome.results : [];
  }

  async addPeer(url: string): Promise<void> {
    await this.#request((request) => this.enqueue({ kind: 'addPeer', request, url }));
  }

  async removePeer(target: string): Promise<void> {
    await this.#request((request) => this.enqueue({ kind: 'removePeer', request, target }));
  }

  /** A peer will not come back: no tombstone waits for it any more. */
  async evict(target: string): Promise<void> {
    await this.#request((request) => this.enqueue({ kind: 'evict', request, target }));
  }

  /** Resolves when every neighbour has been compared with, or is late: with how many are. */
  async compare(): Promise<number> {
    const outcome = await this.#request((request) => this.enqueue({ kind: 'compare', request }));
    return outcome.kind === 'done' ? (outcome.silent ?? 0) : 0;
  }

  /** Compares buckets with linked peers entry by entry; `target` is a peer id or a canonical url. */
  async verify(target?: string, bucket?: BucketName): Promise<readonly Comparison[]> {
    const about = {
      ...(target === undefined ? {} : { target }),
      ...(bucket === undefined ? {} : { bucket }),
    };
    const outcome = await this.#request((request) => this.enqueue({ kind: 'verify', request, ...about }));
    return outcome.kind === 'verified' ? outcome.comparisons : [];
  }

  #request(enqueue: (request: number) => void, bytes = 0): Promise<Outcome> {
    return this.#failure ? Promise.reject(this.#failure) : this.#requests.open(bytes, enqueue);
  }

  /** Takes a message; a link on which more comes in than can be handled is closed. */
  received(message: Received): void {
    if (this.#failure) return;
    if (this.#inbox.received(message)) return this.#schedule();
    this.#transport?.close(message.link, 'overrun');
    const text = 'a link was closed: the other side sends more than its credits allow';
    this.#options.onNote({ level: 'warn', event: 'link-overrun', message: text });
  }

  enqueue(input: Input): void {
    if (this.#failure) return;
    this.#inbox.add(input);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    const until = performance.now() + SLICE_MS;
    while (!this.#failure && !this.#paused) {
      const input = this.#next();
      if (!input) break;
      try {
        this.#perform(this.#replica.handle(input, this.#now()));
      } catch (error) {
        this.fail(toRumeurError(error));
        return;
      }
      // Back-pressure: the store has more to write than it should; the sockets' credits stop the other peers.
      if (this.#backlog.isFull) this.#paused = true;
      if (performance.now() > until) break;
    }
    if (this.#inbox.length > 0 || this.#isDue()) this.#schedule();
    else this.#setTimer();
  }

  /** What has come in goes first, as it may be what is waited for; but without end it must not put off everything else. */
  #next(): Input | undefined {
    const dueAt = Math.max(this.#wakeAt, this.#wokenAt);
    const isOverdue = this.#isDue() && performance.now() - dueAt > OVERDUE_MS;
    const input = (isOverdue ? undefined : this.#inbox.take()) ?? (this.#isDue() ? WAKE : undefined);
    if (input === WAKE) this.#wokenAt = performance.now();
    return input;
  }

  #now(): Now {
    return { mono: performance.now(), wall: this.#options.wallClock() };
  }

  #isDue(): boolean {
    return this.#transport !== undefined && this.#wakeAt <= performance.now();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#schedule();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#failure || !this.#transport || this.#wakeAt === Infinity) return;
    const delay = Math.min(Math.max(1, this.#wakeAt - performance.now()), 2 ** 31 - 1);
    this.#timer = setTimeout(() => this.#schedule(), delay);
  }

  #perform(step: Step): void {
    if (step.persist) this.#backlog.commit(step.persist);
    if (step.flushMark !== undefined) this.#tellWhenFlushed(step.flushMark);
    for (const { link, bytes } of step.sends) this.#transport?.send(link, bytes);
    for (const { link, reason } of step.closes) this.#transport?.close(link, reason);
    for (const url of step.dials) this.#transport?.dial(url);
    if (step.replies.length > 0) this.#answer(step.replies);
    for (const change of step.changes) this.#options.onChange(change);
    for (const note of step.notes) this.#options.onNote(note);
    this.#wakeAt = step.wakeAt;
  }

  #tellWhenFlushed(mark: number): void {
    this.#storage.flushed().then(
      () => this.enqueue({ kind: 'flushed', mark }),
      (error: unknown) => this.fail(toRumeurError(error)),
    );
  }

  /** Errors at once; results when they are as durable as configured. */
  #answer(replies: readonly Reply[]): void {
    const done: Reply[] = [];
    for (const reply of replies) {
      const { request, outcome } = reply;
      if (outcome instanceof RumeurError) this.#requests.reject(request, outcome);
      else if (this.#requests.answered(request)) done.push(reply);
    }
    if (done.length === 0) return;
    const settle = (): void =>
      done.forEach(({ request, outcome }) => this.#requests.settle(request, outcome));
    const { durability } = this.#options;
    if (durability === 'memory') return settle();
    const durable = durability === 'flushed' ? this.#storage.flushed() : this.#storage.committed();
    durable.then(settle, (thrown: unknown) => {
      const error = toRumeurError(thrown);
      for (const { request } of done) this.#requests.reject(request, error);
      this.fail(error);
    });
  }

  /**
   * Stops for good: what is in memory may be ahead of the store, so nothing may be sent or answered any more. Everybody who
   * waits hears of it now, also where the store says nothing.
   */
  fail(error: RumeurError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#stop();
    this.#inbox.clear();
    this.#requests.rejectAll(error, 'all');
    this.#options.onFailure(error);
  }

  /** Says goodbye on every link and handles what is still queued; resolves when all of it has been performed. */
  async leave(): Promise<void> {
    if (this.#failure) return;
    this.enqueue({ kind: 'leave' });
    while (this.#hasWork()) await new Promise((resolve) => setImmediate(resolve));
    this.#stop();
    this.#failure ??= new RumeurError('PEER_UNREACHABLE', 'this peer has been closed', {
      hint: 'open it again',
    });
    this.#requests.rejectAll(this.#failure, 'unanswered');
  }

  #hasWork(): boolean {
    return this.#failure === undefined && this.#inbox.length > 0;
  }

  #stop(): void {
    this.#backlog.end();
    clearTimeout(this.#timer);
    this.#wakeAt = Infinity;
  }
}

const WAKE: Input = { kind: 'wake' };
