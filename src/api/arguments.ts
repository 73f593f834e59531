import { RumeurError } from '../base/errors.js';
import type { WriteContext } from '../data/op.js';
import { contextFromText } from '../data/policies/context-text.js';
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

/** A member, or a list of them, as a list. @throws those of `checkMember` */
export function membersOf(given: unknown, limits: ValueLimits): string[] {
  const isList = typeof given === 'object' && given !== null && Symbol.iterator in given;
  if (typeof given === 'object' && !isList) {
    throw new RumeurError('ARGUMENT_INVALID', `a member, or a list of them, not ${describe(given)}`);
  }
  const list: unknown[] = isList ? Array.from(given as Iterable<unknown>) : [given];
  return list.map((member) => {
    checkMember(member, limits);
    return member;
  });
}

/** What the writer has seen, where its options say so. @throws `ARGUMENT_INVALID` for a context that is none of ours */
export const contextIn = ({ context }: { readonly context?: string }): { context?: WriteContext } =>
  context === undefined ? {} : { context: contextFromText(context) };
