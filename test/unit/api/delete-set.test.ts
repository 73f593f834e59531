import { describe, expect, test } from '@jest/globals';
import { deleteSet } from '../../../src/api/delete-set.js';
import type { MemberRange, Page } from '../../../src/api/service.js';
import { RumeurError } from '../../../src/base/errors.js';
import type { OriginId } from '../../../src/base/ids.js';
import { sealEntry } from '../../../src/data/entry.js';
import { stampAt } from '../../../src/data/stamp.js';
import type { OpResult } from '../../../src/replica/step.js';

/** A set whose pages end early, and what was removed from it in each commit. */
function setOf(size: number, { rowsAPage, failAt }: { rowsAPage: number; failAt?: number }) {
  const members = Array.from({ length: size }, (_, i) => String(i).padStart(6, '0'));
  const commits: number[] = [];
  let seq = 0;
  const membersOf = ({ after = '', limit }: MemberRange): Page<string> => {
    const from = members.findIndex((member) => member > after);
    if (from < 0) return { rows: [] };
    const rows = members.slice(from, from + Math.min(limit, rowsAPage));
    const last = rows.at(-1);
    return last === undefined || last === members.at(-1) ? { rows } : { rows, after: last };
  };
  const remove = (batch: readonly string[]): Promise<readonly OpResult[]> => {
    if (commits.length === failAt)
      return Promise.reject(new RumeurError('DISK_FULL', 'no room', { hint: 'make some' }));
    commits.push(batch.length);
    return Promise.resolve(
      batch.map((key) => {
        const stamp = stampAt(++seq);
        const entry = sealEntry({
          origin: 'origin-00000000000000' as OriginId,
          seq,
          stamp,
          key,
          value: null,
        });
        return { found: true, entry, cell: [entry] };
      }),
    );
  };
  return { commits, run: () => deleteSet(membersOf, remove) };
}

describe('deleting a set', () => {
  test.each([1000, 7])('of up to 1,000 members is one commit, with pages of %i', async (rowsAPage) => {
    const { commits, run } = setOf(1000, { rowsAPage });
    expect(await run()).toMatchObject({ found: true, dot: 'origin-00000000000000.1000' });
    expect(commits).toEqual([1000]);
  });

  test('of more is a commit for each 1,000', async () => {
    const { commits, run } = setOf(2500, { rowsAPage: 700 });
    expect(await run()).toMatchObject({ found: true, dot: 'origin-00000000000000.2500' });
    expect(commits).toEqual([1000, 1000, 500]);
  });

  test('without members writes nothing', async () => {
    const { commits, run } = setOf(0, { rowsAPage: 10 });
    expect(await run()).toEqual({ found: false });
    expect(commits).toEqual([]);
  });

  test('that fails says how much of it is gone', async () => {
    await expect(setOf(2500, { rowsAPage: 1000, failAt: 2 }).run()).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: 'no room; 2000 members of the set are removed already',
      hint: 'make some; delete it again for the rest',
    });
    await expect(setOf(2500, { rowsAPage: 1000, failAt: 0 }).run()).rejects.toMatchObject({
      message: 'no room',
    });
  });
});
