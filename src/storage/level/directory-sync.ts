import { statSync } from 'node:fs';
import { syncDirectory } from '../disk/note.js';

/** The clock that dates changes of a directory ticks this often at worst, in milliseconds, and a good deal more. */
const TICK_MS = 100;

/**
 * LevelDB begins a new log now and then and syncs what it writes to that, but not its name in the directory before the next
 * table is done: on some file systems the power could take the log away with all that was flushed into it.
 */
export class DirectorySync {
  readonly #path: string;
  #synced: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when all names that were there at the call are on the disk. */
  async run(): Promise<void> {
    const changed = statSync(this.#path).mtimeMs;
    if (changed === this.#synced) return;
    const isPast = changed < Date.now() - TICK_MS;
    await syncDirectory(this.#path);
    // Within the same tick it could change again and would not look like it.
    this.#synced = isPast ? changed : undefined;
  }
}
