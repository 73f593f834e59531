import sortedBTree from 'sorted-btree';

/** A map in the order of its keys; clones are cheap, as the tree is copied on write. */
export type SortedMap<K, V> = sortedBTree.default<K, V>;
export const SortedMap = sortedBTree.default;
