import { setTimeout as wait } from 'node:timers/promises';
import { toRumeurError, type ErrorCode, type RumeurError } from '../../src/base/errors.js';
import type { Entry } from './record.js';

/** Where entries go: `setMany` takes all or none. Both throw RumeurError. */
export interface Sink {
  setMany(entries: readonly Entry[]): Promise<void>;
  set(entry: Entry): Promise<void>;
}

export interface SenderOptions {
  /** Told of entries that the peer refused. */
  readonly onBad: (entry: Entry, error: RumeurError) => void;
  /** How long a peer that has too much to do is asked again, in milliseconds. */
  readonly patienceMs: number;
}

const BATCH_ENTRIES = 1000;
const BATCH_CHARACTERS = 256 * 1024;
/** Messages under way: enough to keep the disk of the peer busy while the next ones travel. */
const WINDOW = 4;

/** The fault of one entry of a batch, so that the others may be written without it. */
const OF_ONE_ENTRY: ReadonlySet<ErrorCode> = new Set([
  'ARGUMENT_INVALID',
  'KEY_EMPTY',
  'KEY_INVALID',
  'KEY_TOO_LONG',
  'VALUE_INVALID',
  'VALUE_TOO_LARGE',
  'EXISTS',
  'POLICY',
]);
/** Will pass. */
const BUSY: ReadonlySet<ErrorCode> = new Set(['OVERLOADED', 'RATE_LIMITED']);

interface Batch {
  readonly entries: readonly Entry[];
  /** Never rejects. */
  done: Promise<void>;
}

/** Writes entries in batches, several under way at a time, so that of two entries of one key the later stands. */
export class BatchSender {
  readonly #sink: Sink;
  readonly #options: SenderOptions;
  #next: Entry[] = [];
  #nextCharacters = 0;
  /** Under way, the oldest first. */
  readonly #window: Batch[] = [];
  #failure: RumeurError | undefined;
  #written = 0;

  constructor(sink: Sink, options: SenderOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** Entries that the peer has acknowledged. */
  get written(): number {
    return this.#written;
  }

  /** Resolves when there is room for the next. @throws RumeurError what stopped the whole transfer */
  async add(entry: Entry): Promise<void> {
    const characters = entry.key.length + entry.value.length;
    if (this.#nextCharacters + characters > BATCH_CHARACTERS) await this.#send();
    this.#next.push(entry);
    this.#nextCharacters += characters;
    if (this.#next.length >= BATCH_ENTRIES) await this.#send();
  }

  /** Resolves when everything is written. @throws RumeurError what stopped the whole transfer */
  async finish(): Promise<void> {
    await this.#send();
    while (this.#window.length > 0) await this.#shift();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #send(): Promise<void> {
    if (this.#next.length > 0) {
      const batch: Batch = { entries: this.#next, done: Promise.resolve() };
      this.#next = [];
      this.#nextCharacters = 0;
      this.#window.push(batch);
      batch.done = this.#write(batch);
    }
    // Always the oldest: a batch that has to be sent again still finds all later ones here.
    if (this.#window.length >= WINDOW) await this.#shift();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #shift(): Promise<void> {
    await this.#window[0]?.done;
    this.#window.shift();
  }

  async #write(batch: Batch): Promise<void> {
    try {
      await this.#patiently(async () => {
        const entries = this.#stillWanted(batch);
        if (entries.length > 0) await this.#sink.setMany(entries);
      });
      this.#written += batch.entries.length;
    } catch (thrown) {
      const refusal = toRumeurError(thrown);
      const end = OF_ONE_ENTRY.has(refusal.code) ? this.#oneByOne(batch) : Promise.reject(refusal);
      await end.catch((error: unknown) => {
        this.#failure ??= toRumeurError(error);
      });
    }
  }

  /** Finds the culprits of a batch that was refused. */
  async #oneByOne(batch: Batch): Promise<void> {
    for (const entry of batch.entries) {
      if (this.#failure !== undefined) return;
      try {
        await this.#patiently(async () => {
          if (this.#stillWanted(batch).includes(entry)) await this.#sink.set(entry);
        });
        this.#written++;
      } catch (thrown) {
        const error = toRumeurError(thrown);
        if (!OF_ONE_ENTRY.has(error.code)) throw error;
        this.#options.onBad(entry, error);
      }
    }
  }

  /** Without the keys that a later batch has written meanwhile: their older values must not replace it. */
  #stillWanted(batch: Batch): readonly Entry[] {
    const later = this.#window.slice(this.#window.indexOf(batch) + 1);
    if (later.length === 0) return batch.entries;
    const overwritten = new Set(later.flatMap(({ entries }) => entries.map(({ key }) => key)));
    return batch.entries.filter(({ key }) => !overwritten.has(key));
  }

  async #patiently(write: () => Promise<void>): Promise<void> {
    const until = Date.now() + this.#options.patienceMs;
    for (let pauseMs = 20; ; pauseMs = Math.min(2 * pauseMs, 1000)) {
      try {
        await write();
        return;
      } catch (thrown) {
        if (!BUSY.has(toRumeurError(thrown).code) || Date.now() > until) throw thrown;
      }
      await wait(pauseMs);
    }
  }
}
