import { nanoid } from 'nanoid';
import { join } from 'node:path';
import { type StoreReport, verifyStore } from '../../../src/storage/disk/verify.js';
import { ENGINE_NAMES, type EngineName, engineNamed } from '../../../src/storage/engines.js';
import { openStore as openNamed } from '../../../src/storage/open-store.js';
import type { Storage } from '../../../src/storage/storage.js';

/** Opens a store of that engine as a peer does, without a probe: what kills a process is to kill this one. */
export async function openStore(storage: string, directory: string): Promise<Storage> {
  return openNamed(engineOf(storage), { directory, newId: nanoid, probe: false });
}

/** Compares all that a store which nobody uses holds with itself. */
export const checkStore = (directory: string): Promise<StoreReport> => verifyStore(directory);

/** The files with the data that are there, as names in the store's directory. */
export async function presentFilesOf(storage: string, directory: string): Promise<readonly string[]> {
  return (await engineNamed(engineOf(storage))).files(directory);
}

function engineOf(storage: string): EngineName {
  const engine = ENGINE_NAMES.find((name) => name === storage);
  if (engine === undefined) throw new Error(`there is no engine '${storage}'`);
  return engine;
}

/** LevelDB numbers its files one after the other; a test does not come so far. */
const MOST_FILES = 60;
const levelFile = (name: string): string => join('level', name);
const levelNumbers = Array.from({ length: MOST_FILES }, (_, n) => String(n + 1).padStart(6, '0'));

/** What the engines call their files: where strace looks must be known before they are there. */
const FILES: Readonly<Record<EngineName, readonly string[]>> = {
  lmdb: ['data.mdb', 'data.mdb-lock'],
  level: [
    'level',
    ...['LOCK', 'CURRENT'].map(levelFile),
    ...levelNumbers.flatMap((number) =>
      [`${number}.log`, `${number}.ldb`, `${number}.dbtmp`, `MANIFEST-${number}`].map(levelFile),
    ),
  ],
};

/** The files of a store in its directory that faults may strike; empty is the directory itself. */
export const filesOf = (storage: string): readonly string[] => [
  ...dataFilesOf(storage),
  'store.json',
  'store.json.new',
  '',
];

/** Those of them that hold the data. */
export const dataFilesOf = (storage: string): readonly string[] => FILES[engineOf(storage)];

export const dataPathsOf = (storage: string, directory: string): ReadonlySet<string> =>
  new Set(dataFilesOf(storage).map((file) => join(directory, file)));
