import type { RumeurError } from '../base/errors.js';
import type { BucketName } from '../base/ids.js';
import { hasLive } from '../data/cell.js';
import { dotToText } from '../data/dot.js';
import { splitMemberKey } from '../data/policies/set.js';
import type { PolicyName } from '../data/policy.js';
import { stampToText } from '../data/stamp.js';
import type { Change } from '../replica/step.js';
import { visibleOf } from './cells.js';
import type { RowChange } from './service.js';

export interface Watcher {
  readonly prefix: string;
  readonly listener: (change: RowChange) => void;
  /** Told when it will hear of nothing more although nobody stopped it. */
  readonly ended: (error: RumeurError) => void;
}

/** Who wants to hear of changes, by bucket. */
export class Watchers {
  readonly #byBucket = new Map<BucketName, Set<Watcher>>();

  /** @returns the way to stop it */
  add(bucket: BucketName, watcher: Watcher): () => void {
    let watchers = this.#byBucket.get(bucket);
    if (!watchers) this.#byBucket.set(bucket, (watchers = new Set<Watcher>()));
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }

  /** Ends all of them. */
  end(error: RumeurError): void {
    const all = [...this.#byBucket.values()].flatMap((watchers) => [...watchers]);
    this.#byBucket.clear();
    for (const { ended } of all) ended(error);
  }

  tell(policy: PolicyName, change: Change): void {
    const watchers = this.#byBucket.get(change.bucket);
    if (!watchers || watchers.size === 0) return;
    const row = policy === 'set' ? memberChange(change) : valueChange(policy, change);
    for (const { prefix, listener } of watchers) if (row.key.startsWith(prefix)) listener(row);
  }
}

function valueChange(policy: PolicyName, { bucket, entry, cell }: Change): RowChange {
  const visible = visibleOf(policy, cell);
  const names = { dot: dotToText(entry), stamp: stampToText(entry.stamp) };
  const row = { bucket, key: entry.key, value: visible?.value ?? null, ...names };
  return visible && visible.siblings > 1 ? { ...row, siblings: visible.siblings } : row;
}

function memberChange({ bucket, entry, cell }: Change): RowChange {
  const { key, member } = splitMemberKey(entry.key);
  const names = { dot: dotToText(entry), stamp: stampToText(entry.stamp) };
  return { bucket, key, value: null, ...names, member: { name: member, added: hasLive(cell) } };
}
