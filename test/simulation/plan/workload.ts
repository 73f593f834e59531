import type { Random } from '../../../src/base/random.js';
import type { PolicyName } from '../../../src/data/policy.js';
import type { Action, Setup, Write } from './plan.js';

/** How many remembered contexts there are. */
const SLOTS = 4;

/** What people write in one world: which keys, which peers, how often they delete. */
export class Workload {
  readonly #random: Random;
  readonly #buckets: readonly (readonly [string, PolicyName])[];
  /** Few keys conflict, many make long deltas. */
  readonly keys: number;
  /** Of 1: how often the one hot key is written. */
  readonly #hot: number;
  readonly #deletes: number;
  /** Of 1: how often it is the same peer that writes again. */
  readonly #sticky: number;
  readonly #bursts: number;
  #peer = 0;
  #n = 0;

  constructor(random: Random, { policies }: Setup, keys?: number) {
    this.#random = random;
    this.#buckets = Object.entries(policies);
    const drawn = random.pick([2, 12, 12, 60]) ?? 12;
    this.keys = keys ?? drawn;
    this.#hot = random.pick([0, 0, 0.5, 0.9]) ?? 0;
    this.#deletes = random.pick([0.1, 0.2, 0.5]) ?? 0.2;
    this.#sticky = random.pick([0, 0.8]) ?? 0;
    this.#bursts = random.pick([0, 0.03]) ?? 0;
  }

  /** A bucket, and a key that may be in it. */
  place(): { bucket: string; key: string; policy: PolicyName } {
    const [bucket, policy] = this.#random.pick(this.#buckets) ?? ['a', 'lww'];
    const isHot = this.#random.float() < this.#hot;
    const key = isHot ? 'k0' : `k${this.#random.integer(0, this.keys - 1)}`;
    return { bucket, key, policy };
  }

  /** One write, or rarely a burst of one peer's, at the same moment. */
  draw(at: number, peers: number): Action[] {
    const random = this.#random;
    if (random.float() >= this.#sticky) this.#peer = random.integer(0, peers - 1);
    const peer = this.#peer;
    return this.drawFor(at, peer, random.float() < this.#bursts ? 25 : 1);
  }

  /** So many writes of one peer, at the same moment. */
  drawFor(at: number, peer: number, count: number): Action[] {
    return Array.from({ length: count }, (): Action => {
      const { bucket, key, policy } = this.place();
      return { at, peer, bucket, ...this.#write(policy, key) };
    });
  }

  #write(policy: PolicyName, key: string): Write {
    const random = this.#random;
    const isDelete = random.float() < this.#deletes;
    const n = ++this.#n;
    if (policy === 'set') {
      const member = `m${random.integer(0, 3)}`;
      return { do: isDelete ? 'srem' : 'sadd', key, member };
    }
    if (isDelete && policy !== 'fww') return { do: 'delete', key };
    if (policy === 'counter') return { do: 'incr', key, by: random.integer(-3, 9) };
    if (policy === 'siblings' && random.float() < 0.4) return this.#withContext(key, n);
    return { do: 'set', key, n };
  }

  #withContext(key: string, n: number): Write {
    const slot = this.#random.integer(0, SLOTS - 1);
    if (this.#random.float() < 0.5) return { do: 'read', key, slot };
    return { do: 'resolve', key, slot, n: this.#random.float() < 0.3 ? null : n };
  }
}
