import { statfs } from 'node:fs/promises';
import { type RumeurError, toRumeurError } from '../base/errors.js';
import type { ReadableStore, Storage, StoreSizes } from '../storage/storage.js';
import { brokenNote, failureNote, releaseNote, resumedNote } from './disk-notes.js';
import type { FirstStore } from './first-store.js';
import { type Handle, type Life, readOnlyLife, unreadableLife } from './life.js';
import type { StoreOpener } from './open-store.js';
import { type Deed, type Outcome, Recovery, type Room } from './recovery.js';
import { Session, type SessionOptions } from './session.js';

export interface KeeperOptions extends Omit<SessionOptions, 'onFailure'> {
  readonly opener: StoreOpener;
  /**
   * The disk has failed: what was not on it counts as lost, although watchers may have heard of it. It comes back from
   * other peers if it got to them.
   */
  readonly onLoss: (error: RumeurError) => void;
}

/** What is known of the disk. */
export interface DiskState {
  /** Why nothing can be written at present. */
  readonly error: RumeurError | undefined;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** The last that is known; `undefined` where there is no disk. */
  readonly sizes: StoreSizes | undefined;
  /** Where a store is that could not be read and was moved away. */
  readonly aside: string | undefined;
}

/**
 * Keeps a peer alive over failures of its disk: ends a life whose store has failed, reads from the store opened anew, and
 * begins a new life when that can be written. `Recovery` decides, this performs.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #recovery = new Recovery();
  #life: Life;
  #session: Session | undefined;
  /** The store while it can only be read. */
  #store: ReadableStore | undefined;
  #sizes: StoreSizes | undefined;
  #recovering: Promise<void> = Promise.resolve();
  #stopping: Promise<void> = Promise.resolve();
  #closed = false;
  #wakeUp: () => void = () => undefined;

  constructor(first: FirstStore, options: KeeperOptions) {
    this.#options = options;
    const handle: Handle = { over: undefined };
    this.#sizes = ('storage' in first ? first.storage : first.store).sizes();
    if ('storage' in first) {
      this.#life = this.#session = this.#begin(first.storage, handle);
      return;
    }
    const { store, stored, failure } = first;
    this.#store = store;
    this.#life = readOnlyLife(options, stored, store.view, handle, failure);
    options.onNote(failureNote(failure));
    this.#recovering = this.#run(this.#recovery.readOnly(failure, options.wallClock()));
  }

  /** The present one. */
  get life(): Life {
    return this.#life;
  }

  get disk(): DiskState {
    const { error, since } = this.#recovery;
    if (!this.#life.handle.over) this.#sizes = (this.#session ?? this.#store)?.sizes();
    return { error, since, sizes: this.#sizes, aside: this.#options.opener.aside };
  }

  /** Says goodbye on every link; what is queued is handled before. A store that failed is not opened any more. */
  async leave(): Promise<void> {
    this.#closed = true;
    this.#wakeUp();
    await this.#recovering;
    await this.#session?.leave();
  }

  /** Closes the links, and takes and dials no further ones. */
  async stop(): Promise<void> {
    await Promise.all([this.#stopping, this.#session?.stop()]);
  }

  /** Flushes and releases the store. @throws RumeurError `DISK_FULL`, `DISK_FAILED` */
  async close(): Promise<void> {
    await this.#session?.close();
    await this.#store?.close();
  }

  #begin(storage: Storage, handle: Handle): Session {
    return new Session(storage, handle, {
      ...this.#options,
      onFailure: (error) => this.#onFailure(error),
    });
  }

  #onFailure(error: RumeurError): void {
    if (error.code !== 'DISK_FULL' && error.code !== 'DISK_FAILED') {
      // A mistake of ours: to do the same again would lead to the same. Nothing is written any more, reads go on.
      this.#options.onNote(brokenNote(error));
      return;
    }
    this.#life.handle.over = error;
    this.#life = unreadableLife(this.#life, error);
    this.#options.onNote(failureNote(error));
    this.#options.onLoss(error);
    const deed = this.#recovery.failed(error, performance.now(), this.#options.wallClock());
    this.#recovering = this.#run(deed);
  }

  async #run(first: Deed): Promise<void> {
    let deed: Deed | undefined = first;
    while (deed && !this.#closed) deed = this.#recovery.next(await this.#perform(deed), performance.now());
  }

  /** Never rejects: what goes wrong is an outcome. */
  async #perform(deed: Deed): Promise<Outcome> {
    try {
      switch (deed.kind) {
        case 'close':
          await this.#giveUp();
          return { kind: 'closed' };
        case 'open':
          await this.#open();
          return { kind: 'opened' };
        case 'measure':
          return { kind: 'room', room: await roomIn(this.#options.config.dataDir) };
        case 'begin':
          await this.#goOn();
          return { kind: 'begun' };
        case 'wait':
          await this.#wait(deed.ms);
          return { kind: 'waited' };
      }
    } catch (thrown) {
      return { kind: 'failed', error: toRumeurError(thrown) };
    }
  }

  async #giveUp(): Promise<void> {
    const former = this.#session ?? this.#store;
    if (this.#session)
      this.#stopping = Promise.all([this.#stopping, this.#session.stop()]).then(() => undefined);
    this.#session = this.#store = undefined;
    try {
      await former?.close();
    } catch (thrown) {
      const error = toRumeurError(thrown);
      // A store that has failed says so once more.
      if (error !== this.#recovery.error) this.#options.onNote(releaseNote(error));
    }
  }

  async #open(): Promise<void> {
    const store = await this.#options.opener.open();
    this.#store = store;
    const { failure } = this.#life;
    const { stored, view } = store;
    if (!failure || !stored) return;
    this.#life = readOnlyLife(this.#options, stored, view, { over: undefined }, failure);
  }

  async #goOn(): Promise<void> {
    const { failure, handle } = this.#life;
    if (!this.#store || !failure) return;
    const store = this.#store;
    this.#store = undefined;
    let storage: Storage;
    try {
      storage = await store.begin();
    } catch (thrown) {
      const error = toRumeurError(thrown);
      // Nor is it good for reading any more.
      handle.over = error;
      this.#life = unreadableLife(this.#life, error);
      throw error;
    }
    // Where there was nothing to be read before it began, the handle is that of the store that failed.
    this.#life = this.#session = this.#begin(storage, handle.over ? { over: undefined } : handle);
    this.#options.onNote(resumedNote(failure, this.#options.wallClock() - this.#recovery.since));
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function roomIn(directory: string): Promise<Room | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    // Whoever cannot be asked is tried.
    return undefined;
  }
}
