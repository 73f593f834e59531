import { describe, expect, test } from '@jest/globals';
import type { LinkId, OriginId } from '../../../src/base/ids.js';
import { Plumtree } from '../../../src/protocol/plumtree.js';

const origin = (letter: string): OriginId => letter.repeat(21) as OriginId;
const [a, b] = [origin('a'), origin('b')];
const link = (n: number): LinkId => n as LinkId;

/** A tree with links 1 to 4. */
function treeOf4(isMesh = false): Plumtree {
  const tree = new Plumtree(() => isMesh);
  for (const n of [1, 2, 3, 4]) tree.linkUp(link(n));
  return tree;
}

const targets = (tree: Plumtree, of: OriginId, from?: number, hops = 2): number[] => [
  ...tree.targets(of, from === undefined ? undefined : link(from), hops),
];

/** So many frames without news. @returns what each was answered with */
const duplicates = (tree: Plumtree, of: OriginId, over: number, times: number): boolean[] =>
  Array.from({ length: times }, () => tree.duplicate(of, link(over)));

describe('a broadcast tree', () => {
  test('begins as a flood: over every link but the one that the frame came over', () => {
    const tree = treeOf4();
    expect(targets(tree, a)).toEqual([1, 2, 3, 4]);
    expect(targets(tree, b, 2)).toEqual([1, 3, 4]);
  });

  test('loses a link over which frames come late, at the second one, and for that origin only', () => {
    const tree = treeOf4();
    targets(tree, a, 1);
    targets(tree, b, 1);
    expect(duplicates(tree, a, 2, 2)).toEqual([false, true]);
    expect(targets(tree, a, 1)).toEqual([3, 4]);
    expect(targets(tree, b, 1)).toEqual([2, 3, 4]);
  });

  test('tells again after as many, should the other side not have heard of it', () => {
    const tree = treeOf4();
    targets(tree, a, 1);
    expect(duplicates(tree, a, 2, 6)).toEqual([false, true, false, true, false, true]);
  });

  test('keeps a link that brings news as often as not', () => {
    const tree = treeOf4();
    targets(tree, a, 1);
    for (let i = 0; i < 10; i++) {
      expect(tree.duplicate(a, link(2))).toBe(false);
      tree.news(a, link(2));
    }
    expect(targets(tree, a, 1)).toEqual([2, 3, 4]);
  });

  test('follows what the other side wants', () => {
    const tree = treeOf4();
    targets(tree, a);
    tree.prune(a, link(3));
    tree.prune(a, link(99));
    expect(targets(tree, a)).toEqual([1, 2, 4]);
    tree.graft(a, link(3));
    expect(targets(tree, a)).toEqual([1, 2, 3, 4]);
  });

  test('takes new links in, and forgets those that are gone', () => {
    const tree = treeOf4();
    targets(tree, a);
    tree.prune(a, link(1));
    tree.linkDown(link(1));
    tree.linkDown(link(2));
    tree.linkUp(link(5));
    tree.linkUp(link(1));
    expect(targets(tree, a)).toEqual([3, 4, 5, 1]);
  });

  test('is a star where all are linked to all and the writer itself has sent: nobody passes anything on', () => {
    const tree = treeOf4(true);
    expect(targets(tree, a, 1, 1)).toEqual([]);
    tree.linkUp(link(5));
    expect(targets(tree, a, 1, 1)).toEqual([]);
    tree.graft(a, link(3));
    expect(targets(tree, a, 1, 1)).toEqual([3]);
    expect(targets(tree, b)).toEqual([1, 2, 3, 4, 5]);
  });

  test('is no star any more for links that come when not all are linked to all', () => {
    let isMesh = true;
    const tree = new Plumtree(() => isMesh);
    for (const n of [1, 2, 3]) tree.linkUp(link(n));
    expect(targets(tree, a, 1, 1)).toEqual([]);
    isMesh = false;
    tree.linkUp(link(4));
    expect(targets(tree, a, 1, 1)).toEqual([4]);
  });

  test('keeps what it knows of a link that comes up again without having been down', () => {
    const tree = treeOf4(true);
    targets(tree, a, 1, 1);
    tree.graft(a, link(3));
    tree.linkUp(link(3));
    expect(targets(tree, a, 1, 1)).toEqual([3]);
  });

  test('does not close the last way while news still comes over one that was closed', () => {
    const tree = treeOf4();
    targets(tree, a, 1);
    tree.news(a, link(1));
    expect(duplicates(tree, a, 2, 2)).toEqual([false, true]);
    // The other side has not heard of it yet, and is faster now.
    tree.news(a, link(2));
    expect(duplicates(tree, a, 1, 3)).toEqual([false, false, false]);
    tree.news(a, link(1));
    expect(targets(tree, a, 3)).toEqual([1, 4]);
  });

  test('takes a link back over which news goes on coming: it has not heard, or is the only one', () => {
    const tree = treeOf4();
    targets(tree, a, 1);
    duplicates(tree, a, 2, 2);
    for (let i = 0; i < 8; i++) {
      expect(targets(tree, a, 1)).toEqual([3, 4]);
      tree.news(a, link(2));
    }
    expect(targets(tree, a, 1)).toEqual([2, 3, 4]);
  });

  test('becomes a star when all are linked to all at last', () => {
    let isMesh = false;
    const tree = new Plumtree(() => isMesh);
    for (const n of [1, 2, 3]) tree.linkUp(link(n));
    expect(targets(tree, a, 1, 1)).toEqual([2, 3]);
    duplicates(tree, a, 2, 2);
    expect(targets(tree, a, 1, 1)).toEqual([3]);
    isMesh = true;
    expect(targets(tree, a, 1, 1)).toEqual([]);
    // Who has to ask is no part of the star, and stays served.
    tree.graft(a, link(3));
    expect(targets(tree, a, 1, 1)).toEqual([3]);
  });

  test('is none where the frame has come over others', () => {
    expect(targets(treeOf4(true), a, 1, 2)).toEqual([2, 3, 4]);
    expect(targets(treeOf4(true), a, 1, 0)).toEqual([2, 3, 4]);
  });

  test('is kept for origins that go on writing, however many write once', () => {
    const tree = treeOf4();
    targets(tree, a, 1);
    duplicates(tree, a, 2, 2);
    for (let i = 0; i < 20_000; i++) {
      targets(tree, String(i).padStart(21, '0') as OriginId);
      if (i % 1000 === 0) targets(tree, a, 1);
    }
    expect(targets(tree, a, 1)).toEqual([3, 4]);
  });
});
