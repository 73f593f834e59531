import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { assert } from '../../base/assert.js';
import { RumeurError } from '../../base/errors.js';
import { isId, type OriginId, type PeerId } from '../../base/ids.js';
import { DirectoryLock } from '../lock.js';
import type { Provenance, Storage } from '../storage.js';
import { Disk } from './disk.js';
import { openEnvironment } from './environment.js';
import { codeOf, toDiskError } from './errors.js';
import { type FilesVerdict, judgeFiles, syncDirectory, writeNote } from './note.js';
import { type Identity, isOurs } from './state-table.js';
import { LmdbStorage } from './store.js';
import { upgrade } from './upgrade.js';

export interface LmdbOptions {
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
export async function openLmdb(options: LmdbOptions): Promise<Storage> {
  const directory = resolve(options.directory);
  try {
    await makeDirectory(directory);
    const lock = await DirectoryLock.take(directory);
    try {
      return await openLocked(directory, options.newId, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw await directoryError(error, directory);
  }
}

async function openLocked(directory: string, newId: () => string, lock: DirectoryLock): Promise<Storage> {
  const dataFile = join(directory, 'data.mdb');
  const verdict = await judgeFiles(directory, dataFile);
  const disk = new Disk(await openEnvironment(dataFile, isOurs));
  try {
    const former = disk.identity();
    const provenance = provenanceOf(verdict, former);
    const identity = identityFor(provenance, former, newId);
    disk.writeIdentity(identity);
    await writeNote(directory, dataFile, 'open');
    await upgrade(disk);
    const { peerId, origin } = identity;
    const initial = { peerId, origin, ...disk.stored() };
    return new LmdbStorage(directory, disk, { provenance, initial }, async (clean) => {
      try {
        await closeDisk(directory, dataFile, disk, clean);
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

/** The note goes last, after everything that changes the data file. */
async function closeDisk(directory: string, dataFile: string, disk: Disk, clean: boolean): Promise<void> {
  const identity = disk.identity();
  try {
    if (clean && identity !== undefined) disk.writeIdentity({ ...identity, open: false });
  } finally {
    await disk.close();
  }
  if (clean) await writeNote(directory, dataFile, 'closed');
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
