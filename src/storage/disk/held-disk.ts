import type { DirectoryLock } from '../lock.js';
import type { RowEngine } from '../rows.js';
import { copyStore } from './copy.js';
import { Disk } from './disk.js';
import { toDiskError } from './errors.js';
import { GuardedRows } from './guarded-rows.js';
import { foreignFile, LAYOUT } from './layout.js';
import type { FilesVerdict } from './note.js';
import { readLayout } from './format.js';

/** An opened disk and the lock on its directory, which are given up together. */
export class HeldDisk {
  readonly disk: Disk;
  readonly directory: string;
  readonly #engine: RowEngine;
  readonly #lock: DirectoryLock;

  private constructor(engine: RowEngine, directory: string, disk: Disk, lock: DirectoryLock) {
    this.disk = disk;
    this.directory = directory;
    this.#engine = engine;
    this.#lock = lock;
  }

  /**
   * Changes nothing in a store of the present layout. When it throws, the lock is still held.
   * @param files the verdict on them, and how many bytes may be free in them
   * @throws RumeurError `CONFIG_INVALID` when the store is another's or of a later version; `DISK_FULL` when an older one
   * cannot be copied; `DISK_FAILED`
   * @throws the engine's error
   */
  static async open(
    engine: RowEngine,
    directory: string,
    { verdict, shrinkAbove }: { verdict: FilesVerdict; shrinkAbove: number },
    lock: DirectoryLock,
  ): Promise<HeldDisk> {
    let rows = await engine.open(directory, { readOnly: false });
    try {
      const layout = readLayout(rows) ?? LAYOUT;
      if (layout === 'foreign') throw foreignFile(directory);
      const isOld = layout < LAYOUT;
      const { liveBytes, freeBytes } = rows.sizes();
      if (isOld || freeBytes > Math.max(shrinkAbove, liveBytes)) {
        await rows.close();
        await copyIfNeeded(engine, directory, verdict, isOld);
        rows = await engine.open(directory, { readOnly: false });
      }
      return new HeldDisk(engine, directory, new Disk(new GuardedRows(rows, directory)), lock);
    } catch (error) {
      await rows.close();
      throw error;
    }
  }

  /** The files of the store as they are now. */
  files(): Promise<string[]> {
    return this.#engine.files(this.directory);
  }

  /**
   * @param last what is to be done with the files that nobody has open any more
   * @throws RumeurError `DISK_FAILED` when the engine does not come to an end; the lock is kept until it does
   */
  async close(last: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    try {
      await this.disk.close();
      await last();
    } catch (error) {
      throw await toDiskError(error, this.directory);
    } finally {
      await this.#unlock();
    }
  }

  async #unlock(): Promise<void> {
    if (!this.disk.isUnended) return this.#lock.release();
    // It hangs in the kernel, so that nobody else may open the store. Nobody is left to be told how that ends.
    const released = this.disk.released().then(() => this.#lock.release());
    void released.catch(() => undefined);
  }
}

async function copyIfNeeded(
  engine: RowEngine,
  directory: string,
  verdict: FilesVerdict,
  isNeeded: boolean,
): Promise<void> {
  try {
    await copyStore(engine, directory, verdict);
  } catch (thrown) {
    const error = await toDiskError(thrown, directory);
    // A store that only has much free room is as good as before.
    if (isNeeded || error.code !== 'DISK_FULL') throw error;
  }
}
