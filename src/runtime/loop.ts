import { RumeurError, toRumeurError } from '../base/errors.js';
import type { BucketName } from '../base/ids.js';
import { type LocalOp, sizeOfOp } from '../data/op.js';
import type { Replica } from '../replica/replica.js';
import type { Change, Input, Note, Now, OpResult, Outcome, Received, Reply, Step } from '../replica/step.js';
import type { Comparison } from '../replica/comparison.js';
import type { Storage } from '../storage/storage.js';
import type { Transport } from '../transport/transport.js';
import { Inbox } from './inbox.js';

/** When a write is acknowledged: on disk, handed to the operating system, or at once. */
export type Durability = 'flushed' | 'committed' | 'memory';

/** Puts on their way to the store beyond which no further input is handled. */
const MAX_BACKLOG = 8_000;
/** Keys and values of unanswered writes beyond which further ones are refused, in bytes. */
const MAX_UNANSWERED_BYTES = 64 * 2 ** 20;
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

interface Pending {
  resolve(outcome: Outcome): void;
  reject(error: RumeurError): void;
}

/**
 * The one loop: takes inputs in order, asks the replica for a step, performs it in order. Inputs that arrive in one
 * turn of the event loop share a transaction; writes that arrive during a flush share the next one (group commit).
 */
export class Loop {
  readonly #replica: Replica;
  readonly #storage: Storage;
  readonly #options: LoopOptions;
  #transport: Transport | undefined;
  readonly #inbox = new Inbox();
  #scheduled = false;
  /** Waiting for the store to catch up. */
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = 0;
  #wokenAt = 0;
  /** Requests that the replica has not answered yet. */
  readonly #pending = new Map<number, Pending>();
  /** Requests that their callers wait for, those that only lack the disk included. */
  #unanswered = 0;
  #unansweredBytes = 0;
  #lastRequest = 0;
  #failure: RumeurError | undefined;

  constructor(replica: Replica, storage: Storage, options: LoopOptions) {
    this.#replica = replica;
    this.#storage = storage;
    this.#options = options;
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
    const refusal = this.#failure ?? this.#overload(bytes);
    if (refusal) return Promise.reject(refusal);
    const request = ++this.#lastRequest;
    this.#unanswered++;
    this.#unansweredBytes += bytes;
    const settled = (): void => {
      this.#unanswered--;
      this.#unansweredBytes -= bytes;
    };
    return new Promise<Outcome>((resolve, reject) => {
      this.#pending.set(request, {
        resolve: (outcome) => {
          settled();
          resolve(outcome);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      enqueue(request);
    });
  }

  #overload(bytes: number): RumeurError | undefined {
    const isFull = this.#unanswered >= this.#options.pendingWrites;
    // A write that is larger than the bound is let through alone.
    const isHeavy = this.#unansweredBytes > 0 && this.#unansweredBytes + bytes > MAX_UNANSWERED_BYTES;
    if (!isFull && !isHeavy) return undefined;
    const what = isFull ? `${this.#unanswered} writes` : `writes of ${this.#unansweredBytes} bytes`;
    const hint = 'wait for acknowledgements and retry';
    return new RumeurError('OVERLOADED', `${what} are waiting for the disk`, { hint });
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
      if (this.#storage.backlog > MAX_BACKLOG) this.#pause();
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

  /** Back-pressure: the store has more to write than it should; the sockets' credits stop the other peers. */
  #pause(): void {
    this.#paused = true;
    this.#storage.committed().then(
      () => {
        this.#paused = false;
        this.#schedule();
      },
      (error: unknown) => this.fail(toRumeurError(error)),
    );
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#failure || !this.#transport || this.#wakeAt === Infinity) return;
    const delay = Math.min(Math.max(1, this.#wakeAt - performance.now()), 2 ** 31 - 1);
    this.#timer = setTimeout(() => this.#schedule(), delay);
  }

  #perform(step: Step): void {
    if (step.persist) this.#storage.commit(step.persist);
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
    const done: { pending: Pending; outcome: Outcome }[] = [];
    for (const { request, outcome } of replies) {
      const pending = this.#pending.get(request);
      this.#pending.delete(request);
      if (!pending) continue;
      if (outcome instanceof RumeurError) pending.reject(outcome);
      else done.push({ pending, outcome });
    }
    if (done.length === 0) return;
    const resolve = (): void => done.forEach(({ pending, outcome }) => pending.resolve(outcome));
    const { durability } = this.#options;
    if (durability === 'memory') return resolve();
    const durable = durability === 'flushed' ? this.#storage.flushed() : this.#storage.committed();
    durable.then(resolve, (thrown: unknown) => {
      const error = toRumeurError(thrown);
      for (const { pending } of done) pending.reject(error);
      this.fail(error);
    });
  }

  /** Stops for good: what is in memory may be ahead of the store, so nothing may be sent or answered any more. */
  fail(error: RumeurError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#stopTimer();
    this.#inbox.clear();
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#options.onFailure(error);
  }

  /** Says goodbye on every link and handles what is still queued; resolves when all of it has been performed. */
  async leave(): Promise<void> {
    if (this.#failure) return;
    this.enqueue({ kind: 'leave' });
    while (this.#hasWork()) await new Promise((resolve) => setImmediate(resolve));
    this.#stopTimer();
    this.#failure ??= new RumeurError('PEER_UNREACHABLE', 'this peer has been closed', {
      hint: 'open it again',
    });
    for (const pending of this.#pending.values()) pending.reject(this.#failure);
  }

  #hasWork(): boolean {
    return this.#failure === undefined && this.#inbox.length > 0;
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#wakeAt = Infinity;
  }
}

const WAKE: Input = { kind: 'wake' };
