import type { RumeurError } from '../../base/errors.js';
import { type RowBelow, Tables } from '../tables.js';

/** What goes into one transaction together; its rows are read from here until it is on the disk. */
class Layer {
  readonly tables: Tables;
  readonly done: Promise<void>;
  puts = 0;
  empty = true;
  #resolve: () => void = () => undefined;
  #reject: (reason: RumeurError) => void = () => undefined;

  constructor(below: RowBelow) {
    this.tables = new Tables(below);
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A failure is kept by GroupCommit for whoever asks; when nobody waits just now it is not unhandled.
    this.done.catch(() => undefined);
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
  readonly #below: RowBelow;
  #taking: Layer;
  #writing: Layer | undefined;
  #running = false;
  #failure: RumeurError | undefined;
  readonly #listeners: ((error: RumeurError) => void)[] = [];

  /**
   * @param write resolves when the tables are on the disk and reads see them there
   * @param onDisk the rows of the dot index there
   * @param toError what callers get to see when a write rejects; after that nothing more is written
   */
  constructor(
    write: (tables: Tables) => Promise<void>,
    onDisk: RowBelow,
    toError: (thrown: unknown) => Promise<RumeurError>,
  ) {
    this.#write = write;
    this.#toError = toError;
    this.#below = (bucket, origin, seq) => {
      const row = this.#writing?.tables.buckets.get(bucket)?.dots.get(origin, seq);
      return row === undefined ? onDisk(bucket, origin, seq) : (row ?? undefined);
    };
    this.#taking = new Layer(this.#below);
  }

  get failure(): RumeurError | undefined {
    return this.#failure;
  }

  /** Puts taken and not yet on the disk. */
  get backlog(): number {
    return this.#taking.puts + (this.#writing?.puts ?? 0);
  }

  /** The upper one last. */
  readonly layers = (): readonly Tables[] =>
    this.#writing === undefined ? [this.#taking.tables] : [this.#writing.tables, this.#taking.tables];

  /**
   * @param change puts it into the layer; when it throws, that must be as it was
   * @param puts how many it is
   * @throws the failure of an earlier transaction
   */
  add(change: (layer: Tables) => void, puts: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    change(this.#taking.tables);
    this.#taking.puts += puts;
    this.#taking.empty = false;
    if (this.#running) return;
    this.#running = true;
    // Not at once: the other batches of this turn belong into the same transaction.
    queueMicrotask(() => void this.#run());
  }

  /** Tells of the first failure, once; at once when there has been one. */
  onFailure(listener: (error: RumeurError) => void): void {
    if (this.#failure === undefined) this.#listeners.push(listener);
    else listener(this.#failure);
  }

  /** Resolves when everything taken so far is on the disk. */
  settled(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (!this.#taking.empty) return this.#taking.done;
    return this.#writing?.done ?? Promise.resolve();
  }

  async #run(): Promise<void> {
    while (!this.#taking.empty) {
      const layer = this.#taking;
      this.#writing = layer;
      this.#taking = new Layer(this.#below);
      try {
        await this.#write(layer.tables);
      } catch (error) {
        this.fail(await this.#toError(error));
        break;
      }
      // A read that failed meanwhile has refused it: whether it is on the disk does not matter any more.
      if (this.#failure !== undefined) break;
      this.#writing = undefined;
      layer.end(undefined);
    }
    this.#running = false;
  }

  /** The first failure is the one that counts. What was refused is not to be read either: nobody knows what became of it. */
  fail(failure: RumeurError): void {
    if (this.#failure !== undefined) return;
    const refused = [this.#writing, this.#taking];
    this.#failure = failure;
    this.#writing = undefined;
    this.#taking = new Layer(this.#below);
    for (const layer of refused) layer?.end(failure);
    for (const listener of this.#listeners.splice(0)) listener(failure);
  }
}
