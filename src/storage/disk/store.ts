import { Buffer } from 'node:buffer';
import { assert } from '../../base/assert.js';
import { RumeurError } from '../../base/errors.js';
import type { BucketName } from '../../base/ids.js';
import type { Batch, StoredState } from '../../replica/batch.js';
import { LayeredView } from '../layered-view.js';
import type { Provenance, Storage, StoreSizes } from '../storage.js';
import type { Disk } from './disk.js';
import { toDiskError } from './errors.js';
import { GroupCommit } from './group-commit.js';

/** The design's bound; lmdb would take 1,976, and level more. */
const MAX_KEY_BYTES = 1024;

/** About a millisecond; a million keys have some three million rows, which takes two hours. */
const SCRUBBED_ROWS = 500;

interface Opened {
  readonly directory: string;
  readonly provenance: Provenance;
  readonly initial: StoredState;
  /** Milliseconds between two slices of the scrub. */
  readonly scrubMs: number;
}

/**
 * The store on disk. Batches are visible at once, through the layers above the data file, and go to the disk in
 * groups, from a thread of the engine's own.
 *
 * Every group is synced, so that here `committed` is `flushed`.
 */
export class DiskStorage extends LayeredView implements Storage {
  readonly provenance: Provenance;
  readonly initial: StoredState;
  readonly #disk: Disk;
  readonly #commits: GroupCommit;
  readonly #release: (clean: boolean) => Promise<void>;
  readonly #scrubbing: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  /** @param release closes the disk and gives the directory free; called once */
  constructor(
    disk: Disk,
    { directory, provenance, initial, scrubMs }: Opened,
    release: (clean: boolean) => Promise<void>,
  ) {
    const commits = new GroupCommit(
      (tables) => disk.write(tables),
      (bucket, origin, seq) => disk.dot(bucket, origin, seq),
      (thrown) => toDiskError(thrown, directory),
    );
    super(disk, commits.layers);
    this.provenance = provenance;
    this.initial = initial;
    this.#disk = disk;
    this.#release = release;
    this.#commits = commits;
    this.#scrubbing = setInterval(() => this.#scrub(), scrubMs).unref();
    disk.onFailure((error) => {
      clearInterval(this.#scrubbing);
      commits.fail(error);
    });
  }

  #scrub(): void {
    try {
      this.#disk.scrub(SCRUBBED_ROWS);
    } catch (error) {
      // The disk has told of it, to whom it concerns.
      assert(error instanceof RumeurError, 'reading fails by an error of ours');
    }
  }

  get backlog(): number {
    return this.#commits.backlog;
  }

  commit(batch: Batch): void {
    assert(this.#closing === undefined, 'a closed store takes no batch');
    for (const { key } of batch.puts) {
      // Most keys are so short that nobody needs to count: a unit of text is three bytes at most.
      const fits = key.length <= MAX_KEY_BYTES / 3 || Buffer.byteLength(key) <= MAX_KEY_BYTES;
      assert(key.length > 0 && fits, 'a key has 1 to 1024 bytes');
    }
    this.#commits.add((layer) => layer.apply(batch), batch.puts.length);
  }

  committed(): Promise<void> {
    return this.#commits.settled();
  }

  flushed(): Promise<void> {
    return this.#commits.settled();
  }

  onFailure(listener: (error: RumeurError) => void): void {
    this.#commits.onFailure(listener);
  }

  onDamage(listener: (bucket: BucketName | undefined) => void): void {
    this.#disk.onDamage(listener);
  }

  sizes(): StoreSizes {
    return this.#disk.sizes();
  }

  /** @throws RumeurError `DISK_FULL`, `DISK_FAILED`, also that of an earlier failure; the directory is free then too. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#scrubbing);
    try {
      await this.#commits.settled();
    } finally {
      await this.#release(this.#commits.failure === undefined);
    }
  }
}
