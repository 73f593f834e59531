import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { assert } from '../../base/assert.js';
import { RumeurError } from '../../base/errors.js';
import { isId, type OriginId, type PeerId } from '../../base/ids.js';
import type { StoredState } from '../../replica/batch.js';
import type { View } from '../../replica/view.js';
import { LayeredView } from '../layered-view.js';
import { DirectoryLock } from '../lock.js';
import { engineIn } from '../engines.js';
import type { RowEngine } from '../rows.js';
import type { Provenance, ReadableStore, Storage, StoreSizes } from '../storage.js';
import { type SetAside, setAside } from './aside.js';
import { copyStore, removeUnfinished } from './copy.js';
import { codeOf, toDiskError } from './errors.js';
import { HeldDisk } from './held-disk.js';
import { type FilesVerdict, judgeFiles, syncDirectory, writeNote } from './note.js';
import { PROBE_SILENCE_MS, probeStore } from './probe.js';
import type { Identity } from './state-table.js';
import { DiskStorage } from './store.js';

export interface StoreOptions {
  /** Where the data is; made when it is missing. Nobody else may use it while the store is open. */
  readonly directory: string;
  /** A new random id, 21 characters of nanoid's alphabet: for the peer id and the origin. */
  readonly newId: () => string;
  /**
   * Whether a child process reads a store first, as one that is damaged may kill the process that does; default: yes. Takes
   * some 100 ms, and after a crash some seconds for a million keys.
   */
  readonly probe?: boolean;
  /** Milliseconds without progress after which the probe counts as hung; default: 30,000. */
  readonly probeSilence?: number;
  /** A store with more free bytes than this, and more free than live ones, is copied into a new file; default: 64 MiB. */
  readonly shrinkAbove?: number;
  /** Milliseconds between two looks at some rows for damage that nobody has come across; default: 1,000. */
  readonly scrubMs?: number;
  /** Told when a store that cannot be read has been moved away, and a new one takes its place. */
  readonly onAside?: (aside: SetAside) => void;
}

const SHRINK_ABOVE_BYTES = 64 * 1024 * 1024;
const SCRUB_MS = 1_000;

/**
 * Opens the store in a directory, or makes one there; one that an earlier version left is copied into the present layout,
 * which takes some seconds for a million keys, and as much room again meanwhile. When the promise resolves, the ids of this run and the mark
 * that the store is open are on the disk.
 * A store that cannot be read is moved away, never deleted, and a new one is begun.
 * @throws RumeurError `IN_USE` when another process, or this one, has it open; `CONFIG_INVALID` when the directory
 * is none or holds a store of a later format; `DISK_FULL`, `DISK_FAILED`
 */
export async function openDisk(engine: RowEngine, options: StoreOptions): Promise<Storage> {
  return (await openReadable(engine, options)).begin();
}

/**
 * The first half of `openDisk`: nothing is written to a store that is there, so that it can be read on a disk that is full.
 * @throws as `openDisk`
 */
export async function openReadable(engine: RowEngine, options: StoreOptions): Promise<ReadableStore> {
  const directory = resolve(options.directory);
  try {
    await makeDirectory(directory);
    const lock = await DirectoryLock.take(directory);
    const [held, verdict] = await openHeld(engine, directory, lock, options);
    try {
      return new ReadableDisk(held, verdict, options);
    } catch (error) {
      await held.close();
      throw error;
    }
  } catch (error) {
    throw await directoryError(error, directory);
  }
}

async function openHeld(
  engine: RowEngine,
  directory: string,
  lock: DirectoryLock,
  options: StoreOptions,
): Promise<readonly [HeldDisk, FilesVerdict]> {
  try {
    await removeUnfinished(directory);
    const files = await engine.files(directory);
    if (files.length === 0) await refuseOther(engine, directory);
    const verdict = await probed(engine, directory, await judgeFiles(directory, files), options);
    const { shrinkAbove = SHRINK_ABOVE_BYTES } = options;
    return [await HeldDisk.open(engine, directory, { verdict, shrinkAbove }, lock), verdict];
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Else a peer whose config was changed would begin anew beside the data that it has. */
async function refuseOther(engine: RowEngine, directory: string): Promise<void> {
  const other = await engineIn(directory);
  if (other === undefined || other.name === engine.name) return;
  throw new RumeurError('CONFIG_INVALID', `the data in ${directory} is kept by ${other.name}`, {
    hint: `set storage to "${other.name}", or dataDir to another directory: the peer then fetches everything from the others`,
  });
}

/** Sees to it that what is there can be opened, or nothing is there. @returns the verdict that holds now */
async function probed(
  engine: RowEngine,
  directory: string,
  verdict: FilesVerdict,
  { probe = true, probeSilence = PROBE_SILENCE_MS, onAside }: StoreOptions,
): Promise<FilesVerdict> {
  if (!probe || verdict === 'absent') return verdict;
  const quick = verdict === 'untouched';
  const end = await probeStore(engine.name, directory, { quick, silence: probeSilence });
  if (end.kind === 'rebuild') await copyStore(engine, directory, verdict);
  if (end.kind !== 'unusable') return verdict;
  // By itself: what is given to a call that does not come about is not evaluated.
  const aside = await setAside(engine, directory, end.reason);
  onAside?.(aside);
  return 'absent';
}

class ReadableDisk implements ReadableStore {
  readonly view: View;
  readonly stored: StoredState | undefined;
  readonly #held: HeldDisk;
  readonly #former: Identity | undefined;
  readonly #provenance: Provenance;
  readonly #options: StoreOptions;

  constructor(held: HeldDisk, verdict: FilesVerdict, options: StoreOptions) {
    const { disk } = held;
    const former = disk.identity();
    this.view = new LayeredView(disk, () => []);
    this.stored = former && { peerId: former.peerId, origin: former.origin, ...disk.stored() };
    this.#held = held;
    this.#former = former;
    this.#provenance = provenanceOf(verdict, former);
    this.#options = options;
  }

  sizes(): StoreSizes {
    return this.#held.disk.sizes();
  }

  async begin(): Promise<Storage> {
    try {
      return await this.#begin();
    } catch (error) {
      await this.#held.close();
      throw await toDiskError(error, this.#held.directory);
    }
  }

  async #begin(): Promise<Storage> {
    const { disk, directory } = this.#held;
    const identity = identityFor(this.#provenance, this.#former, this.#options.newId);
    await disk.writeIdentity(identity);
    await writeNote(directory, await this.#held.files(), 'open');
    const { peerId, origin } = identity;
    const initial = { peerId, origin, ...disk.stored() };
    const { scrubMs = SCRUB_MS } = this.#options;
    const opened = { directory, provenance: this.#provenance, initial, scrubMs };
    return new DiskStorage(disk, opened, (clean) => this.#end(clean));
  }

  /** The note goes last, after everything that changes the files. */
  async #end(clean: boolean): Promise<void> {
    const { disk, directory } = this.#held;
    let close = (): Promise<void> => this.#held.close();
    try {
      const identity = clean ? disk.identity() : undefined;
      if (identity === undefined) return;
      await disk.writeIdentity({ ...identity, open: false });
      const noteClosed = async (): Promise<void> => writeNote(directory, await this.#held.files(), 'closed');
      close = (): Promise<void> => this.#held.close(noteClosed);
    } finally {
      await close();
    }
  }

  close(): Promise<void> {
    return this.#held.close();
  }
}

function provenanceOf(verdict: FilesVerdict, former: Identity | undefined): Provenance {
  if (former === undefined || verdict === 'absent') return 'new';
  return verdict === 'untouched' && former.open ? 'unclean' : verdict;
}

function identityFor(provenance: Provenance, former: Identity | undefined, newId: () => string): Identity {
  const fresh = (): string => {
    const id = newId();
    assert(isId(id), 'ids are 21 characters of nanoid');
    return id;
  };
  const samePeer = provenance === 'untouched' || provenance === 'unclean';
  return {
    peerId: (samePeer ? former?.peerId : undefined) ?? (fresh() as PeerId),
    origin: (provenance === 'untouched' ? former?.origin : undefined) ?? (fresh() as OriginId),
    open: true,
  };
}

/** Makes it so that a power loss cannot take the directory away with all that is in it. */
async function makeDirectory(directory: string): Promise<void> {
  const topmost = await mkdir(directory, { recursive: true });
  if (topmost === undefined) return;
  for (let made = directory; made.length >= topmost.length; made = dirname(made))
    await syncDirectory(dirname(made));
}

async function directoryError(thrown: unknown, directory: string): Promise<RumeurError> {
  const code = codeOf(thrown);
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    return new RumeurError('CONFIG_INVALID', `the data directory ${directory} is no directory`, {
      hint: 'set dataDir to a directory, or to a path where one can be made',
      cause: thrown,
    });
  }
  return await toDiskError(thrown, directory);
}
