import { type Cell } from '../../../src/data/cell.js';
import { dotToText } from '../../../src/data/dot.js';
import { compareWrites, type Entry } from '../../../src/data/entry.js';
import { admitBy } from '../../../src/data/policies/causal.js';
import type { Policy } from '../../../src/data/policy.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import type { World } from '../../../simulator/world.js';
import { bucketOf, buckets, chunks, LINKS, type Mutant } from './mutant.js';

/** All that the writes under a key have seen, and themselves: a context for the key instead of one for each sibling. */
function mergedContext(cell: Cell): VersionVector {
  const all = VersionVector.ofDots([]);
  for (const { origin, seq, context } of cell) {
    all.add(origin, seq, seq);
    if (context) all.merge(context);
  }
  return all;
}

/** What is sent of a key is judged by one context of all that stands there at the sender. */
function oneContextPerKey(world: World): void {
  const contexts = new Map<string, VersionVector>();
  const isSeen = (next: Entry, former: Entry): boolean =>
    contexts.get(dotToText(next))?.covers(former) === true;
  buckets((bucket) => {
    const { policy: own } = bucket;
    const policy: Policy = {
      ...own,
      admit: (cell, next) =>
        own.admit(
          cell.filter((former) => !isSeen(next, former)),
          next,
        ),
    };
    Object.assign(bucket, { policy });
  })(world);
  chunks((chunk, from) => {
    const { name } = bucketOf(from);
    for (const entry of chunk.entries) {
      contexts.set(dotToText(entry), mergedContext(from.storage.get(name, entry.key)));
    }
    return chunk;
  })(world);
}

/** A write names what it replaces, and not what that had seen. */
function withoutTransitivePart(policy: Policy): Policy {
  return {
    ...policy,
    admit: admitBy(
      (later, earlier) => later.context?.covers(earlier) === true && compareWrites(later, earlier) > 0,
    ),
    prepare: (cell, op, writer) => {
      const content = policy.prepare(cell, op, writer);
      const context = VersionVector.ofDots([]);
      for (const { origin, seq } of cell)
        if (content?.context?.covers({ origin, seq })) context.add(origin, seq, seq);
      return content?.context && context.size > 0 ? { ...content, context } : content;
    },
  };
}

/** Rule 16. */
export const CAUSAL_MUTANTS: readonly Mutant[] = [
  {
    name: 'rule 16: one context for all siblings of a key',
    faults: LINKS,
    policy: 'siblings',
    draw: { keys: 2 },
    sabotage: oneContextPerKey,
    found: /^(shed|coverage): /,
  },
  {
    name: 'rule 16: a context without what the replaced writes had seen',
    faults: LINKS,
    policy: 'siblings',
    draw: { keys: 2 },
    sabotage: buckets((bucket) => {
      Object.assign(bucket, { policy: withoutTransitivePart(bucket.policy) });
    }),
    found: /^(coverage|older-stands|shed|seen): /,
  },
];
