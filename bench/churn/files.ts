import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';

/** What a store takes on the disk, bytes. */
export interface FileUse {
  /** The data file. It never shrinks: what is free in it is used again. */
  readonly file: number;
  /** Of it the pages that hold something. */
  readonly live: number;
}

/** What `getStats` of lmdb-js says, of which its types say nothing. */
interface Stats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/** Reads the data file of a peer that has been closed. */
export async function fileUseOf(dataDir: string): Promise<FileUse> {
  const path = join(dataDir, 'data.mdb');
  const { size } = await stat(path);
  const root = open<unknown, string>({ path, maxDbs: 8, readOnly: true });
  try {
    const tables = [...root.getKeys()].map((name) => root.openDB({ name, keyEncoding: 'binary' }));
    const live = [root, ...tables].reduce((sum, table) => sum + bytesOf(table.getStats() as Stats), 0);
    return { file: size, live };
  } finally {
    await root.close();
  }
}

const bytesOf = ({ pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages }: Stats): number =>
  pageSize * (treeBranchPageCount + treeLeafPageCount + overflowPages);
