import { join } from 'node:path';
import { nanoid } from 'nanoid';
import { type StoreReport, verifyStore } from '../../../src/storage/disk/verify.js';
import { ENGINE_NAMES, type EngineName } from '../../../src/storage/engines.js';
import { openStore as openNamed } from '../../../src/storage/open-store.js';
import type { Storage } from '../../../src/storage/storage.js';

/** Opens a store of that engine as a peer does. */
export async function openStore(storage: string, directory: string): Promise<Storage> {
  return openNamed(engineOf(storage), { directory, newId: nanoid });
}

/** Compares all that a store which nobody uses holds with itself. */
export const checkStore = (directory: string): Promise<StoreReport> => verifyStore(directory);

function engineOf(storage: string): EngineName {
  const engine = ENGINE_NAMES.find((name) => name === storage);
  if (engine === undefined) throw new Error(`there is no engine '${storage}'`);
  return engine;
}

/** LevelDB numbers its files as it makes them; no case goes further than this. */
function levelFiles(): string[] {
  const names = Array.from({ length: 60 }, (_, n) => {
    const number = `${n}`.padStart(6, '0');
    return [`${number}.log`, `${number}.ldb`, `${number}.dbtmp`, `MANIFEST-${number}`];
  });
  return ['level', ...['LOCK', 'CURRENT', ...names.flat()].map((name) => `level/${name}`)];
}

/** What the engines call their files: where strace looks must be known before they are there. */
const FILES: Readonly<Record<EngineName, readonly string[]>> = {
  lmdb: ['data.mdb', 'data.mdb-lock'],
  level: levelFiles(),
};

/** The files of a store in its directory that faults may strike; empty is the directory itself. */
export const filesOf = (storage: string): readonly string[] => [
  ...FILES[engineOf(storage)],
  'store.json',
  'store.json.new',
  '',
];

/** Those of them that hold the data. */
export const dataFilesOf = (storage: string): readonly string[] => FILES[engineOf(storage)];

/** The file that is opened whenever the store is. */
export const storeFileOf = (storage: string, directory: string): string =>
  join(directory, storage === 'level' ? 'level/CURRENT' : 'data.mdb');
