import type { RumeurError } from '../../base/errors.js';
import type { BucketName } from '../../base/ids.js';
import type { Entry } from '../../data/entry.js';
import type { Batch } from '../../replica/batch.js';
import { Tables } from '../tables.js';

/** Batches that go into one transaction together; their rows are read from here until it is on the disk. */
class Layer {
  readonly tables = new Tables('mark');
  readonly done: Promise<void>;
  puts = 0;
  empty = true;
  #resolve: () => void = () => undefined;
  #reject: (reason: RumeurError) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A failure is kept by GroupCommit for whoever asks; when nobody waits just now it is not unhandled.
    this.done.catch(() => undefined);
  }

  add(batch: Batch): void {
    this.tables.apply(batch);
    this.puts += batch.puts.length;
    this.empty = false;
  }

  end(failure: RumeurError | undefined): void {
    if (failure === undefined) this.#resolve();
    else this.#reject(failure);
  }
}

/**
 * Puts everything that arrives during one transaction into the next. There are two layers at most: the one being
 * written, which does not change any more, and the one that takes batches. So a key written again while its former
 * entry is on the way to the disk needs no care: the upper layer hides the lower one, and each goes as a whole.
 */
export class GroupCommit {
  readonly #write: (tables: Tables) => Promise<void>;
  readonly #toError: (thrown: unknown) => Promise<RumeurError>;
  #taking = new Layer();
  #writing: Layer | undefined;
  #running = false;
  #failure: RumeurError | undefined;

  /**
   * @param write resolves when the tables are on the disk and reads see them there
   * @param toError what callers get to see when it rejects; after that nothing more is written
   */
  constructor(write: (tables: Tables) => Promise<void>, toError: (thrown: unknown) => Promise<RumeurError>) {
    this.#write = write;
    this.#toError = toError;
  }

  get failure(): RumeurError | undefined {
    return this.#failure;
  }

  /** Puts taken and not yet on the disk. */
  get backlog(): number {
    return this.#taking.puts + (this.#writing?.puts ?? 0);
  }

  /** What the layers hold under a key: on the way of every write, hence not by `layers`. */
  get(bucket: BucketName, key: string): Entry | undefined {
    return this.#taking.tables.get(bucket, key) ?? this.#writing?.tables.get(bucket, key);
  }

  /** The layers with something in them, the upper one last. */
  *layers(): Generator<Tables, undefined, undefined> {
    if (this.#writing !== undefined) yield this.#writing.tables;
    if (!this.#taking.empty) yield this.#taking.tables;
    return undefined;
  }

  /** @throws the failure of an earlier transaction */
  add(batch: Batch): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#taking.add(batch);
    if (this.#running) return;
    this.#running = true;
    // Not at once: the other batches of this turn belong into the same transaction.
    queueMicrotask(() => void this.#run());
  }

  /** Resolves when every batch taken so far is on the disk. */
  settled(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (!this.#taking.empty) return this.#taking.done;
    return this.#writing?.done ?? Promise.resolve();
  }

  async #run(): Promise<void> {
    while (!this.#taking.empty && this.#failure === undefined) {
      const layer = this.#taking;
      this.#writing = layer;
      this.#taking = new Layer();
      try {
        await this.#write(layer.tables);
        this.#writing = undefined;
      } catch (error) {
        this.#failure = await this.#toError(error);
        this.#taking.end(this.#failure);
      }
      layer.end(this.#failure);
    }
    this.#running = false;
  }
}
