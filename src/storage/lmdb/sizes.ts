import type { StoreSizes } from '../storage.js';

/** Of what lmdb counts of one of its trees. */
interface TreeStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/** What `getStats` says, as far as it is needed; its own types say nothing. */
export interface TableStats extends TreeStats {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  /** The list of free pages. */
  readonly free: TreeStats;
}

/** Two pages at the begin of the file say where the rest is. */
const META_PAGES = 2;

/**
 * From counters that lmdb keeps. The file ends with its last page, but for what was freed there before it was ever written.
 * @param root the tree of the tables' names
 */
export function sizesOf(root: TableStats, tables: readonly TableStats[]): StoreSizes {
  const { pageSize, lastPageNumber, free } = root;
  const pages = lastPageNumber + 1;
  const live = [root, free, ...tables].reduce((sum, tree) => sum + pagesOf(tree), META_PAGES);
  return {
    fileBytes: pages * pageSize,
    liveBytes: Math.min(live, pages) * pageSize,
    freeBytes: Math.max(0, pages - live) * pageSize,
  };
}

const pagesOf = ({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number =>
  treeBranchPageCount + treeLeafPageCount + overflowPages;
