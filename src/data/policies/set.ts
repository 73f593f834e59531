import { equalBytes, utf8 } from '../../base/bytes.js';
import { RumeurError } from '../../base/errors.js';
import type { Policy } from '../policy.js';
import { admitBy, areTooManyBeside, prepareSeen, renewSeen, supersedesSeen } from './causal.js';
import { asPut } from './refusals.js';

/** Stands between a set's key and the member; a key may not contain it, a member may. */
const SEPARATOR = '\u0000';
/** The value of a member that is in the set. */
const PRESENT = utf8('true');

/**
 * Each member of a set is a cell of its own: a put of `true` adds it, a tombstone removes it. A removal supersedes
 * the additions that it has seen; a concurrent one stands beside it, and then the member is in the set: add wins.
 * A member is written again when it is added again, so that concurrent removals do not take it out.
 */
export const set: Policy = {
  name: 'set',
  superseder: 'newer',
  areTooMany: areTooManyBeside,
  admit: admitBy(supersedesSeen),

  prepare(cell, op, { vector }) {
    const put = asPut(op);
    const isMember = put.key.includes(SEPARATOR) && (put.value === null || equalBytes(put.value, PRESENT));
    if (!isMember) {
      throw new RumeurError(
        'POLICY',
        `'${put.key}' is in a bucket of sets, whose keys hold members, not values`,
        {
          hint: 'use sadd and srem',
        },
      );
    }
    return prepareSeen(cell, put, vector);
  },

  renew: renewSeen,
};

/**
 * The key of the store under which a member of the set `key` stands.
 * @throws `KEY_INVALID` when `key` contains U+0000
 */
export function memberKey(key: string, member: string): string {
  if (!key.includes(SEPARATOR)) return key + SEPARATOR + member;
  throw new RumeurError('KEY_INVALID', 'the key of a set may not contain U+0000', {
    hint: 'leave that character out; members may contain it',
  });
}

/** Undoes `memberKey`. What no peer of ours writes, a key without a separator, has the empty member. */
export function splitMemberKey(text: string): { key: string; member: string } {
  const at = text.indexOf(SEPARATOR);
  return at < 0 ? { key: text, member: '' } : { key: text.slice(0, at), member: text.slice(at + 1) };
}
