import type { BucketName, OriginId } from '../../../src/base/ids.js';
import { type Dot, dotToText } from '../../../src/data/dot.js';
import type { Entry } from '../../../src/data/entry.js';
import { policyOf } from '../../../src/data/policies/all.js';
import type { Policy } from '../../../src/data/policy.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { Violation } from '../violation.js';

/** Every write that was ever given a dot in one bucket under one policy, whether it survived or not. */
export class BucketLog {
  readonly policy: Policy;
  readonly ops: Entry[] = [];
  readonly #byDot = new Map<string, Entry>();
  readonly #byKey = new Map<string, Entry[]>();
  readonly #last = new Map<OriginId, Entry>();
  /** Dots under which two different writes were made. */
  readonly reused = new Set<string>();

  constructor(policy: Policy) {
    this.policy = policy;
  }

  find(dot: Dot): Entry | undefined {
    return this.#byDot.get(dotToText(dot));
  }

  /** The writes of a key, in the order in which they were made. */
  of(key: string): readonly Entry[] {
    return this.#byKey.get(key) ?? [];
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  /** Predicate 7: within an origin seq and stamp rise strictly, and no dot is used twice (invariant 3). */
  record(entry: Entry, tainted: boolean): void {
    const dot = dotToText(entry);
    if (this.#byDot.has(dot)) this.reused.add(dot);
    const former = this.#last.get(entry.origin);
    if (former && !tainted && (entry.seq <= former.seq || entry.stamp <= former.stamp)) {
      throw new Violation('origin', `${dot} comes after ${dotToText(former)} and is not above it`);
    }
    this.ops.push(entry);
    this.#byDot.set(dot, entry);
    this.#last.set(entry.origin, entry);
    const ops = this.#byKey.get(entry.key);
    if (ops) ops.push(entry);
    else this.#byKey.set(entry.key, [entry]);
  }

  /** Whether `next` takes the place of `former`, both of one key. */
  supersedes(next: Entry, former: Entry): boolean {
    if (isSameDot(next, former)) return false;
    return this.policy.admit([former], next)?.every((entry) => !isSameDot(entry, former)) === true;
  }
}

export const isSameDot = (a: Dot, b: Dot): boolean => a.origin === b.origin && a.seq === b.seq;

/** The logs of all buckets. Peers that disagree about a bucket's policy have logs apart. */
export class OpLog {
  readonly #logs = new Map<string, BucketLog>();

  of(peer: SimPeer, name: BucketName): BucketLog {
    // The true one, whatever a test has made of that of a peer.
    const policy = policyOf(peer.bucketNamed(name).policy.name);
    const id = `${name} ${policy.name}`;
    let log = this.#logs.get(id);
    if (!log) this.#logs.set(id, (log = new BucketLog(policy)));
    return log;
  }

  get size(): number {
    let total = 0;
    for (const log of this.#logs.values()) total += log.ops.length;
    return total;
  }

  all(): Iterable<BucketLog> {
    return this.#logs.values();
  }
}
