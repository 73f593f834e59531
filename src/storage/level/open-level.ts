import type { Buffer } from 'node:buffer';
import { ClassicLevel } from 'classic-level';
import { levelError } from './errors.js';

export type Level = ClassicLevel<Buffer, Buffer>;

/**
 * Opens LevelDB's files in a directory. Within a process all who open the same directory share one store, which the first
 * of them must close last: it brought the cache along.
 */
export async function openLevel(
  path: string,
  { createIfMissing }: { readonly createIfMissing: boolean },
): Promise<Level> {
  const level: Level = new ClassicLevel(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing,
    multithreading: true,
    cacheSize: 32 * 1024 * 1024,
  });
  try {
    await level.open();
    return level;
  } catch (error) {
    throw levelError(error);
  }
}
