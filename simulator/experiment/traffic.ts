import type { World } from '../world.js';

/** What a world sent in a time. */
export interface Traffic {
  /** Messages, by type. */
  readonly messages: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** Of them, those of pushes, and of what keeps the trees: haves, grafts and prunes. */
  readonly pushBytes: number;
  readonly treeBytes: number;
}

const TREE = ['have', 'graft', 'prune'];

/** Looks at what was sent so far; the result tells what was sent since. */
export function traffic({ network }: World): () => Traffic {
  const [before, bytesBefore] = [new Map(network.sent), new Map(network.sentBytes)];
  return () => {
    const bytes = since(network.sentBytes, bytesBefore);
    const sum = (kinds: readonly string[]): number =>
      kinds.reduce((all, kind) => all + (bytes[kind] ?? 0), 0);
    return {
      messages: since(network.sent, before),
      bytes: sum(Object.keys(bytes)),
      pushBytes: sum(['push']),
      treeBytes: sum(TREE),
    };
  };
}

/** The most frequent first. */
function since(
  now: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
): Record<string, number> {
  const counts = [...now].map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a));
}
