import { setImmediate as nextTurn } from 'node:timers/promises';
import { RumeurError, toRumeurError } from '../base/errors.js';
import type { OpResult } from '../replica/step.js';
import { namesOf } from './rows.js';
import type { MemberRange, Page, WriteResult } from './service.js';

/** Members that are removed in one commit; what holds up the event loop for no longer than a `setMany`. */
const MEMBERS_A_COMMIT = 1000;

/**
 * Removes all members that a set has here, in as few commits as that takes.
 * @returns the last write
 * @throws what `remove` does; where that was not the first commit, the message says how many are gone
 */
export async function deleteSet(
  membersOf: (range: MemberRange) => Page<string>,
  remove: (members: readonly string[]) => Promise<readonly OpResult[]>,
): Promise<WriteResult> {
  let last: WriteResult = { found: false };
  let batch: string[] = [];
  let removed = 0;
  let after: string | undefined;
  do {
    const limit = MEMBERS_A_COMMIT - batch.length;
    const page = membersOf(after === undefined ? { limit } : { limit, after });
    batch.push(...page.rows);
    ({ after } = page);
    if (batch.length < MEMBERS_A_COMMIT && after !== undefined) {
      await nextTurn();
      continue;
    }
    if (batch.length === 0) break;
    const results = await remove(batch).catch((thrown: unknown) => Promise.reject(partial(thrown, removed)));
    last = lastWrite(results) ?? last;
    removed += batch.length;
    batch = [];
  } while (after !== undefined);
  return last;
}

function lastWrite(results: readonly OpResult[]): WriteResult | undefined {
  const entry = results.findLast((result) => result.entry !== undefined)?.entry;
  return entry && { found: true, ...namesOf(entry) };
}

function partial(thrown: unknown, removed: number): RumeurError {
  const error = toRumeurError(thrown);
  if (removed === 0) return error;
  const message = `${error.message}; ${removed} members of the set are removed already`;
  const hint = `${error.hint === undefined ? '' : `${error.hint}; `}delete it again for the rest`;
  return new RumeurError(error.code, message, { hint, cause: error });
}
