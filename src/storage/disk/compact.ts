import { resolve } from 'node:path';
import { RumeurError } from '../../base/errors.js';
import { engineIn } from '../engines.js';
import { DirectoryLock } from '../lock.js';
import type { RowEngine } from '../rows.js';
import type { StoreSizes } from '../storage.js';
import { copyStore, removeUnfinished } from './copy.js';
import { toDiskError } from './errors.js';
import { noStore } from './layout.js';
import { judgeFiles } from './note.js';
import { PROBE_SILENCE_MS, probeStore } from './probe.js';

export interface Compaction {
  readonly before: StoreSizes;
  readonly after: StoreSizes;
}

/**
 * Copies a store that nobody uses into a file without free room, which takes its place. Its ids stay, and so does how
 * it was closed. What is damaged in indexes is left out, and counted anew when its peer starts.
 * @throws RumeurError `IN_USE` while a peer has it open; `CONFIG_INVALID` when there is none, or one of a later version;
 * `DISK_FULL` when there is no room for the copy; `DISK_FAILED`, also when it cannot be read. It is as it was then.
 */
export async function compactStore(directory: string): Promise<Compaction> {
  const path = resolve(directory);
  try {
    const engine = await engineIn(path);
    if (engine === undefined) throw noStore(path);
    const lock = await DirectoryLock.take(path);
    try {
      return await compactLocked(engine, path);
    } finally {
      await lock.release();
    }
  } catch (error) {
    throw await toDiskError(error, path);
  }
}

async function compactLocked(engine: RowEngine, directory: string): Promise<Compaction> {
  await removeUnfinished(directory);
  const verdict = await judgeFiles(directory, await engine.files(directory));
  const { kind, reason } = await probeStore(engine.name, directory, {
    quick: false,
    silence: PROBE_SILENCE_MS,
  });
  if (kind === 'unusable') {
    throw new RumeurError('DISK_FAILED', `the data in ${directory} cannot be read: ${reason}`, {
      hint: 'start its peer: it moves the data away, and fetches everything from the others',
    });
  }
  const before = await sizesOf(engine, directory);
  await copyStore(engine, directory, verdict);
  return { before, after: await sizesOf(engine, directory) };
}

async function sizesOf(engine: RowEngine, directory: string): Promise<StoreSizes> {
  const rows = await engine.open(directory, { readOnly: true });
  try {
    return rows.sizes();
  } finally {
    await rows.close();
  }
}
