import { RumeurError } from '../base/errors.js';
import type { Cell } from '../data/cell.js';
import type { LocalOp, WriteContext } from '../data/op.js';
import type { Bucket } from '../replica/bucket.js';

/**
 * Keeps a key from gathering values without end. Only a write with a context can add one to those that stand: any other
 * has seen, and replaces, all that this peer holds.
 */
export class SiblingBound {
  readonly #most: number;
  readonly #cellOf: (bucket: Bucket, key: string) => Cell;
  /** By bucket and key: writes with a context that are under way. */
  readonly #underWay = new Map<string, number>();

  constructor(most: number, cellOf: (bucket: Bucket, key: string) => Cell) {
    this.#most = most;
    this.#cellOf = cellOf;
  }

  /**
   * Lets the writes pass, until the returned function is called.
   * @throws `OVERLOADED`
   */
  enter(bucket: Bucket, ops: readonly LocalOp[]): () => void {
    const entered: string[] = [];
    const leave = (): void => entered.forEach((id) => this.#count(id, -1));
    try {
      for (const op of ops) {
        if (bucket.policy.name !== 'siblings' || !('value' in op) || !op.context) continue;
        const id = `${bucket.name}/${op.key}`;
        this.#check(this.#cellOf(bucket, op.key), op.key, op.context, this.#underWay.get(id) ?? 0);
        this.#count(id, 1);
        entered.push(id);
      }
    } catch (refusal) {
      leave();
      throw refusal;
    }
    return leave;
  }

  /** Each write under way may add one more. */
  #check(cell: Cell, key: string, { dots }: WriteContext, underWay: number): void {
    const beside = cell.filter((entry) => !dots.covers(entry)).length;
    if (beside + underWay < this.#most) return;
    const message = `'${key}' has ${beside} values beside those in the context, and ${underWay} more are being written`;
    const hint = `the limit is ${this.#most}: read the key with its siblings and write one value with that context`;
    throw new RumeurError('OVERLOADED', message, { hint });
  }

  #count(id: string, by: number): void {
    const count = (this.#underWay.get(id) ?? 0) + by;
    if (count > 0) this.#underWay.set(id, count);
    else this.#underWay.delete(id);
  }
}
