import type { RowEngine } from './rows.js';

/** Each is loaded when it is asked for: an addon that is not used need not even be there. */
const ENGINES = {
  lmdb: async (): Promise<RowEngine> => (await import('./lmdb/rows.js')).lmdbEngine,
  level: async (): Promise<RowEngine> => (await import('./level/rows.js')).levelEngine,
} as const;

export type EngineName = keyof typeof ENGINES;
export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[];

export const engineNamed = (name: EngineName): Promise<RowEngine> => ENGINES[name]();

/** The engine whose store is in the directory; `undefined` where there is none. */
export async function engineIn(directory: string): Promise<RowEngine | undefined> {
  for (const load of Object.values(ENGINES)) {
    const engine = await load();
    if ((await engine.files(directory)).length > 0) return engine;
  }
  return undefined;
}
