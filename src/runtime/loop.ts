import { RumeurError, toRumeurError } from '../base/errors.js';
import type { BucketName } from '../base/ids.js';
import type { Replica } from '../replica/replica.js';
import type {
  Change,
  Input,
  LocalOp,
  LocalWrite,
  Note,
  Now,
  OpResult,
  Received,
  Reply,
  Step,
} from '../replica/step.js';
import type { Storage } from '../storage/storage.js';
import type { Transport } from '../transport/transport.js';

/** When a write is acknowledged: on disk, handed to the operating system, or at once. */
export type Durability = 'flushed' | 'committed' | 'memory';

/** Received messages handled in one turn and one transaction at most, in bytes. */
const MAX_TURN_BYTES = 512 * 2 ** 10;
/** Puts on their way to the store beyond which no further input is handled. */
const MAX_BACKLOG = 20_000;
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
  resolve(results: readonly OpResult[]): void;
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
  #queue: Input[] = [];
  /** Bytes of the messages in the last input, if that is of received ones. */
  #turnBytes = 0;
  #scheduled = false;
  /** Waiting for the store to catch up. */
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = 0;
  readonly #pending = new Map<number, Pending>();
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

  write(bucket: BucketName, ops: readonly LocalOp[]): Promise<readonly OpResult[]> {
    return this.#request((request) => {
      const write: LocalWrite = { request, bucket, ops };
      const last = this.#queue[this.#queue.length - 1];
      if (last?.kind === 'writes') (last.writes as LocalWrite[]).push(write);
      else this.enqueue({ kind: 'writes', writes: [write] });
    });
  }

  async addPeer(url: string): Promise<void> {
    await this.#request((request) => this.enqueue({ kind: 'addPeer', request, url }));
  }

  async removePeer(target: string): Promise<void> {
    await this.#request((request) => this.enqueue({ kind: 'removePeer', request, target }));
  }

  #request(enqueue: (request: number) => void): Promise<readonly OpResult[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#pending.size >= this.#options.pendingWrites) {
      const message = `${this.#pending.size} writes are waiting for the disk`;
      return Promise.reject(
        new RumeurError('OVERLOADED', message, { hint: 'wait for acknowledgements and retry' }),
      );
    }
    const request = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
      enqueue(request);
    });
  }

  received(message: Received): void {
    const last = this.#queue[this.#queue.length - 1];
    if (last?.kind === 'received' && this.#turnBytes < MAX_TURN_BYTES) {
      (last.messages as Received[]).push(message);
      this.#turnBytes += message.bytes.length;
    } else {
      this.#turnBytes = message.bytes.length;
      this.enqueue({ kind: 'received', messages: [message] });
    }
  }

  enqueue(input: Input): void {
    if (this.#failure) return;
    this.#queue.push(input);
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
      const input = this.#queue.shift() ?? (this.#isDue() ? WAKE : undefined);
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
    if (this.#queue.length > 0 || this.#isDue()) this.#schedule();
    else this.#setTimer();
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
    for (const { link, bytes } of step.sends) this.#transport?.send(link, bytes);
    for (const { link, reason } of step.closes) this.#transport?.close(link, reason);
    for (const url of step.dials) this.#transport?.dial(url);
    if (step.replies.length > 0) this.#answer(step.replies);
    for (const change of step.changes) this.#options.onChange(change);
    for (const note of step.notes) this.#options.onNote(note);
    this.#wakeAt = step.wakeAt;
  }

  /** Errors at once; results when they are as durable as configured. */
  #answer(replies: readonly Reply[]): void {
    const done: { pending: Pending; results: readonly OpResult[] }[] = [];
    for (const { request, outcome } of replies) {
      const pending = this.#pending.get(request);
      this.#pending.delete(request);
      if (!pending) continue;
      if (outcome instanceof RumeurError) pending.reject(outcome);
      else done.push({ pending, results: outcome });
    }
    if (done.length === 0) return;
    const resolve = (): void => done.forEach(({ pending, results }) => pending.resolve(results));
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
    this.#queue = [];
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
    return this.#failure === undefined && this.#queue.length > 0;
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#wakeAt = Infinity;
  }
}

const WAKE: Input = { kind: 'wake' };
