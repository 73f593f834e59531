import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { assert } from '../../base/assert.js';
import { RumeurError } from '../../base/errors.js';
import { isId, type OriginId, type PeerId } from '../../base/ids.js';
import { DirectoryLock } from '../lock.js';
import type { RowEngine } from '../rows.js';
import type { Provenance, Storage } from '../storage.js';
import { Disk } from './disk.js';
import { codeOf, toDiskError } from './errors.js';
import { type FilesVerdict, judgeFiles, syncDirectory, writeNote } from './note.js';
import { foreignFile } from './layout.js';
import { type Identity, isOurs } from './state-table.js';
import { DiskStorage } from './store.js';
import { upgrade } from './upgrade.js';

export interface StoreOptions {
  /** Where the data is; made when it is missing. Nobody else may use it while the store is open. */
  readonly directory: string;
  /** A new random id, 21 characters of nanoid's alphabet: for the peer id and the origin. */
  readonly newId: () => string;
}

/**
 * Opens the store in a directory, or makes one there; one that an earlier version left is brought up to date, which
 * takes some seconds for a million keys. When the promise resolves, the ids of this run and the mark
 * that the store is open are on the disk.
 * @throws RumeurError `IN_USE` when another process, or this one, has it open; `CONFIG_INVALID` when the directory
 * is none or holds a store of a later format; `DISK_FULL`, `DISK_FAILED`
 */
export async function openDisk(engine: RowEngine, options: StoreOptions): Promise<Storage> {
  const directory = resolve(options.directory);
  try {
    await makeDirectory(directory);
    const lock = await DirectoryLock.take(directory);
    try {
      return await openLocked(engine, directory, options.newId, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw await directoryError(error, directory);
  }
}

async function openLocked(
  engine: RowEngine,
  directory: string,
  newId: () => string,
  lock: DirectoryLock,
): Promise<Storage> {
  const verdict = await judgeFiles(directory, await engine.files(directory));
  const disk = await openOurs(engine, directory);
  try {
    const former = disk.identity();
    const provenance = provenanceOf(verdict, former);
    const identity = identityFor(provenance, former, newId);
    await disk.writeIdentity(identity);
    await writeNote(directory, await engine.files(directory), 'open');
    await upgrade(disk);
    const { peerId, origin } = identity;
    const initial = { peerId, origin, ...disk.stored() };
    return new DiskStorage(directory, disk, { provenance, initial }, async (clean) => {
      try {
        await closeDisk(engine, directory, disk, clean);
      } catch (error) {
        throw await toDiskError(error, directory);
      } finally {
        await lock.release();
      }
    });
  } catch (error) {
    await disk.close();
    throw error;
  }
}

/** @throws RumeurError `CONFIG_INVALID` when the store is another's or of a later version; it is left as it is */
async function openOurs(engine: RowEngine, directory: string): Promise<Disk> {
  const rows = await engine.open(directory, { readOnly: false });
  try {
    if (!isOurs(rows)) throw foreignFile(directory);
    return new Disk(rows);
  } catch (error) {
    await rows.close();
    throw error;
  }
}

/** The note goes last, after everything that changes the files. */
async function closeDisk(engine: RowEngine, directory: string, disk: Disk, clean: boolean): Promise<void> {
  try {
    const identity = clean ? disk.identity() : undefined;
    if (identity !== undefined) await disk.writeIdentity({ ...identity, open: false });
  } finally {
    await disk.close();
  }
  if (clean) await writeNote(directory, await engine.files(directory), 'closed');
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
