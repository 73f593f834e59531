import { RumeurError } from '../../base/errors.js';
import type { LocalOp, PutOp } from '../op.js';

/** @throws `POLICY` when `op` counts, which only the policy `counter` does */
export function asPut(op: LocalOp): PutOp {
  if (!('increment' in op)) return op;
  throw new RumeurError('POLICY', `'${op.key}' is not in a bucket that counts`, {
    hint: 'increment keys of a bucket with the policy "counter"',
  });
}

/** @throws `POLICY` when `op` has a context, which would be ignored where writes are not held beside each other */
export function refuseContext(op: PutOp): void {
  if (op.context === undefined) return;
  throw new RumeurError(
    'POLICY',
    `the bucket of '${op.key}' does not keep concurrent values, so a context says nothing`,
    {
      hint: 'write without a context, or use a bucket with the policy "siblings"',
    },
  );
}
