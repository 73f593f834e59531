import { RumeurError } from '../base/errors.js';
import { describe, type ValueLimits } from './json.js';
import { checkKeyPart } from './values.js';

/** By how much a counter changes. @throws `ARGUMENT_INVALID` for anything but a safe integer */
export function checkStep(by: unknown): number {
  if (Number.isSafeInteger(by)) return by as number;
  const found = typeof by === 'number' ? String(by) : describe(by);
  throw new RumeurError('ARGUMENT_INVALID', `a counter changes by a whole number, not ${found}`, {
    hint: `whole numbers go up to ${Number.MAX_SAFE_INTEGER}`,
  });
}

/** @throws `ARGUMENT_INVALID` for what is no string, `KEY_INVALID`, `KEY_TOO_LONG` */
export function checkMember(member: unknown, limits: ValueLimits): asserts member is string {
  if (typeof member !== 'string') {
    throw new RumeurError('ARGUMENT_INVALID', `a member of a set is a string, not ${describe(member)}`);
  }
  checkKeyPart(member, 'the member', limits);
}
