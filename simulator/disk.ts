import type { BucketName, OriginId, PeerId } from '../src/base/ids.js';
import type { Batch, StoredState } from '../src/replica/batch.js';
import { type Copy, type Damage, SimStorage } from './sim-storage.js';

/** What of the writes that were not flushed a crash leaves behind. */
export interface Tail {
  /** Of 1: the share of the batches that reached the disk all the same, the oldest ones: never half of a batch. */
  readonly kept: number;
  /** Breaks what LMDB guarantees, to see whether the checks find it: what is left of the first batch that was lost. */
  readonly tear?: (batch: Batch) => Batch;
}

/** One peer's data directory: what a crash leaves behind, and what a process has written there and not yet flushed. */
export class Disk {
  #flushed: SimStorage | undefined;
  readonly #unflushed: Batch[] = [];
  /** Batches handed over so far. */
  #written = 0;
  #closed = false;
  /** There is no room: batches are refused, or taken and never flushed. Until somebody makes room and starts the peer. */
  full: 'refuses' | 'fails' | undefined;

  /**
   * The store as a new process finds it: under its former origin only after a clean end.
   * @param draw makes ids
   */
  open(draw: () => string, keepsOrigin: boolean): SimStorage {
    const former = this.#flushed?.copy();
    const fresh = { peerId: draw() as PeerId, origin: draw() as OriginId };
    if (!former) {
      this.#flushed = new SimStorage(fresh);
      return new SimStorage(fresh);
    }
    const untouched = this.#closed || keepsOrigin;
    const { peerId, origin } = former.snapshot.ids;
    const ids = { peerId, origin: untouched ? origin : fresh.origin };
    const restored = { copy: former, provenance: untouched ? 'untouched' : 'unclean' } as const;
    // The new origin is noted before anything is written under it.
    this.#flushed = new SimStorage(ids, restored);
    this.#closed = false;
    return new SimStorage(ids, restored);
  }

  /** @returns the number of the batch, for `flush` */
  write(batch: Batch): number {
    this.#unflushed.push(batch);
    return ++this.#written;
  }

  /** Everything up to the batch with this number is on the disk from now on. */
  flush(upTo: number): void {
    const first = this.#written - this.#unflushed.length;
    for (const batch of this.#unflushed.splice(0, Math.max(0, upTo - first))) this.#flushed?.commit(batch);
  }

  /** A clean end: everything is flushed, and the next process goes on under the same origin. */
  close(): void {
    this.flush(this.#written);
    this.#closed = true;
  }

  /** The process died. */
  crash({ kept, tear }: Tail): void {
    const whole = this.full ? 0 : Math.floor(this.#unflushed.length * kept);
    this.flush(this.#written - this.#unflushed.length + whole);
    const [torn] = this.#unflushed;
    if (tear && torn) this.#flushed?.commit(tear(torn));
    this.#unflushed.length = 0;
  }

  wipe(): void {
    this.#flushed = undefined;
    this.#unflushed.length = 0;
  }

  /** What is on the disk now. */
  copy(): Copy | undefined {
    return this.#flushed?.copy();
  }

  /** Puts an older copy in place. When nobody notices, the next process goes on under the origin of that time. */
  restore(copy: Copy, unnoticed: boolean): void {
    this.#unflushed.length = 0;
    this.#flushed = new SimStorage(copy.snapshot.ids, { copy, provenance: 'untouched' });
    this.#closed = unnoticed;
  }

  damage(bucket: BucketName, key: string, what: Damage): void {
    this.#flushed?.damage(bucket, key, what);
  }

  mendLost(): void {
    this.#flushed?.mendLost();
  }

  /** What a process would find on the disk now. */
  state(): StoredState | undefined {
    const copy = this.#flushed?.copy();
    return copy && new SimStorage(copy.snapshot.ids, { copy, provenance: 'untouched' }).initial;
  }
}
