import type { RumeurError } from '../base/errors.js';

/** What is to be done next about a store that failed; one thing at a time, and each ends in an `Outcome`. */
export type Deed =
  /** Give the handle up: nothing is known of what the disk made of its last write. */
  | { readonly kind: 'close' }
  /** Open the store on a new handle, for reading. */
  | { readonly kind: 'open' }
  /** Ask the file system how much room there is. */
  | { readonly kind: 'measure' }
  /** Let the store that can be read be written too, under a new origin. */
  | { readonly kind: 'begin' }
  /** Let so many milliseconds pass. */
  | { readonly kind: 'wait'; readonly ms: number };

/** What became of a deed. */
export type Outcome =
  | { readonly kind: 'closed' | 'opened' | 'waited' | 'begun' }
  | { readonly kind: 'failed'; readonly error: RumeurError }
  /** Bytes; `undefined` when the file system does not say. */
  | { readonly kind: 'room'; readonly room: Room | undefined };

export interface Room {
  readonly freeBytes: number;
  /** Of the whole file system. */
  readonly totalBytes: number;
}

/** How often a full disk is asked for room, milliseconds. */
const MEASURE_MS = 1_000;
/** The longest wait between two attempts to write, milliseconds; they begin at a second and double. */
const LONGEST_WAIT_MS = { full: 30_000, failed: 60_000 } as const;
/** A store that was written for so long without a failure is taken for healthy, milliseconds. */
const HEALTHY_MS = 60_000;
/** Room that there must be before a disk that was full is written again: bytes, or a share of a small one. */
const ROOM_BYTES = 16 * 2 ** 20;
const ROOM_SHARE = 1 / 20;

/**
 * Decides how a peer comes back from a disk that failed. It starts from the rule that a failed sync is never tried again
 * on the same handle: the kernel tells of it once, and the next sync succeeds without what was lost (Rebello and others,
 * "Can Applications Recover from fsync Failures?", 2020). So the store is closed and opened anew, first for reading; it
 * is written again when there is room, or after a while.
 *
 * Pure: it is told what happened and when, and says what to do.
 */
export class Recovery {
  #error: RumeurError | undefined;
  #since = 0;
  #attempts = 0;
  /** When the store could be written last, on the monotonic clock. */
  #begunAt = -Infinity;
  #doing: Deed['kind'] | undefined;
  /** What the wait is for. */
  #afterWait: Deed = { kind: 'open' };

  /** Why nothing can be written; `undefined` when all is well. */
  get error(): RumeurError | undefined {
    return this.#error;
  }

  /** When that began, by the clock of `failed`. */
  get since(): number {
    return this.#since;
  }

  /**
   * The store failed while it was written to.
   * @param now milliseconds on the monotonic clock
   * @param wall milliseconds since 1970
   */
  failed(error: RumeurError, now: number, wall: number): Deed {
    // A disk that takes the first write and fails at the next must not be opened again and again: each time costs an origin.
    this.#attempts = now - this.#begunAt < HEALTHY_MS ? this.#attempts + 1 : 0;
    this.#error = error;
    this.#since = wall;
    return this.#do({ kind: 'close' });
  }

  /** The same at the start: the store could be opened and read, and has just refused to be written. */
  readOnly(error: RumeurError, wall: number): Deed {
    this.#attempts = 1;
    this.#error = error;
    this.#since = wall;
    return this.#waitBefore(this.#firstStep());
  }

  /** @returns the next deed, `undefined` when all is well again */
  next(outcome: Outcome, now: number): Deed | undefined {
    switch (outcome.kind) {
      case 'closed':
        return this.#do({ kind: 'open' });
      case 'opened':
        return this.#waitBefore(this.#firstStep());
      case 'waited':
        return this.#do(this.#afterWait);
      case 'room':
        return hasRoom(outcome.room) ? this.#do({ kind: 'begin' }) : this.#wait(MEASURE_MS, MEASURE);
      case 'failed':
        return this.#failedAgain(outcome.error);
      case 'begun':
        this.#error = undefined;
        this.#begunAt = now;
        this.#doing = undefined;
        return undefined;
    }
  }

  #failedAgain(error: RumeurError): Deed {
    this.#error = error;
    this.#attempts++;
    // What began on this handle has failed on it.
    if (this.#doing === 'begin') return this.#do({ kind: 'close' });
    return this.#waitBefore({ kind: 'open' });
  }

  #firstStep(): Deed {
    return this.#isFull ? MEASURE : { kind: 'begin' };
  }

  get #isFull(): boolean {
    return this.#error?.code === 'DISK_FULL';
  }

  /** At once the first time, then after 1, 2, 4 seconds and so on. */
  #waitBefore(deed: Deed): Deed {
    if (this.#attempts === 0) return this.#do(deed);
    const longest = LONGEST_WAIT_MS[this.#isFull ? 'full' : 'failed'];
    return this.#wait(Math.min(longest, 1000 * 2 ** (this.#attempts - 1)), deed);
  }

  #wait(ms: number, deed: Deed): Deed {
    this.#afterWait = deed;
    return this.#do({ kind: 'wait', ms });
  }

  #do(deed: Deed): Deed {
    this.#doing = deed.kind;
    return deed;
  }
}

const MEASURE: Deed = { kind: 'measure' };

/** What was lost need not fit: nobody was told that it is there. */
const hasRoom = (room: Room | undefined): boolean =>
  !room || room.freeBytes >= Math.min(ROOM_BYTES, room.totalBytes * ROOM_SHARE);
