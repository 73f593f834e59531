import { Buffer } from 'node:buffer';
import { assert } from '../../base/assert.js';
import { compareUtf8 } from '../../base/bytes.js';
import type { BucketName, OriginId } from '../../base/ids.js';
import type { Entry } from '../../data/entry.js';
import type { Batch, StoredState } from '../../replica/batch.js';
import type { DotRow, KeyRange } from '../../replica/view.js';
import { mergeSorted } from '../merge.js';
import type { Provenance, Storage } from '../storage.js';
import type { DotSlot } from '../tables.js';
import type { Disk } from './disk.js';
import { toDiskError } from './errors.js';
import { GroupCommit } from './group-commit.js';

/** The design's bound; lmdb would take 1,976. */
const MAX_KEY_BYTES = 1024;

/**
 * The store on disk. Batches are visible at once, through the layers above the data file, and go to the disk in
 * groups from lmdb's own thread.
 *
 * lmdb tells of a transaction only when it is on the disk, so here `committed` is `flushed`.
 */
export class LmdbStorage implements Storage {
  readonly provenance: Provenance;
  readonly initial: StoredState;
  readonly #disk: Disk;
  readonly #commits: GroupCommit;
  readonly #release: (clean: boolean) => Promise<void>;
  #closing: Promise<void> | undefined;

  /** @param release closes the disk and gives the directory free; called once */
  constructor(
    directory: string,
    disk: Disk,
    opened: { provenance: Provenance; initial: StoredState },
    release: (clean: boolean) => Promise<void>,
  ) {
    this.provenance = opened.provenance;
    this.initial = opened.initial;
    this.#disk = disk;
    this.#release = release;
    this.#commits = new GroupCommit(
      (tables) => disk.write(tables),
      (thrown) => toDiskError(thrown, directory),
    );
  }

  get(bucket: BucketName, key: string): Entry | undefined {
    return this.#commits.get(bucket, key) ?? this.#disk.get(bucket, key);
  }

  *dots(
    bucket: BucketName,
    origin: OriginId,
    lo: number,
    hi: number,
  ): Generator<DotRow, undefined, undefined> {
    let slots: Iterable<DotSlot> = this.#disk.dots(bucket, origin, lo, hi);
    for (const layer of this.#commits.layers()) {
      slots = mergeSorted(slots, layer.dots(bucket, origin, lo, hi), (a, b) => b.seq - a.seq);
    }
    for (const { row } of slots) if (row !== undefined) yield row;
    return undefined;
  }

  entries(bucket: BucketName, range: KeyRange): Iterable<Entry> {
    let entries: Iterable<Entry> = this.#disk.entries(bucket, range);
    for (const layer of this.#commits.layers()) {
      entries = mergeSorted(entries, layer.entries(bucket, range), (a, b) => compareUtf8(a.key, b.key));
    }
    return entries;
  }

  get backlog(): number {
    return this.#commits.backlog;
  }

  commit(batch: Batch): void {
    assert(this.#closing === undefined, 'a closed store takes no batch');
    for (const { entry } of batch.puts) {
      const size = Buffer.byteLength(entry.key);
      assert(size > 0 && size <= MAX_KEY_BYTES, 'a key has 1 to 1024 bytes');
    }
    this.#commits.add(batch);
  }

  committed(): Promise<void> {
    return this.#commits.settled();
  }

  flushed(): Promise<void> {
    return this.#commits.settled();
  }

  /** @throws RumeurError `DISK_FULL`, `DISK_FAILED`, also that of an earlier failure; the directory is free then too. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#commits.settled();
    } finally {
      await this.#release(this.#commits.failure === undefined);
    }
  }
}
