import type { Random } from '../../../../src/base/random.js';
import type { Attempt, Caller } from '../clients.js';
import type { Snapshot } from '../snapshot.js';
import { type Book, isAcked, isRefused, upsert } from './book.js';

const KEYS = 5;
const MEMBERS = 12;
/** Members that are added at one peer only: a removal there has seen every addition. */
const AT_HOME = 0.6;
const REMOVALS = 0.4;

interface History {
  readonly adds: Attempt[];
  readonly removals: Attempt[];
}

/** Additions and removals of members: an addition that no removal has seen stands. */
export class SetsBook implements Book {
  readonly #sets = new Map<string, Map<string, History>>();

  async act(caller: Caller, random: Random): Promise<void> {
    const key = `set${random.integer(0, KEYS - 1)}`;
    const number = random.integer(0, MEMBERS - 1);
    const member = random.float() < AT_HOME ? `of ${caller.place.peer.name} ${number}` : `of all ${number}`;
    const isRemoval = random.float() < REMOVALS;
    const attempt = await caller.call(isRemoval ? 'srem' : 'sadd', key, member, { bucket: 'tags' });
    if (isRefused(attempt)) return;
    const members = upsert(this.#sets, key, () => new Map<string, History>());
    const { adds, removals } = upsert(members, member, () => ({ adds: [], removals: [] }));
    (isRemoval ? removals : adds).push(attempt);
  }

  judge({ rows }: Snapshot): string[] {
    const faults = [...rows.tags.keys()]
      .filter((key) => !this.#sets.has(key))
      .map((key) => `${key}: from nowhere`);
    for (const [key, members] of this.#sets) {
      const standing = new Set((rows.tags.get(key)?.value ?? []) as string[]);
      for (const member of standing)
        if (!members.has(member)) faults.push(`set ${key}: from nowhere ${member}`);
      for (const [member, history] of members) {
        const isMember = standing.has(member);
        if (!isMember && mustBeMember(history)) faults.push(`set ${key}: lost ${member}`);
        if (isMember && mustBeGone(history)) faults.push(`set ${key}: ${member} was removed and is back`);
      }
    }
    return faults;
  }
}

/** Some addition began when all removals were over. */
function mustBeMember({ adds, removals }: History): boolean {
  const removedAt = Math.max(-Infinity, ...removals.map(({ end }) => end));
  return adds.some((add) => isAcked(add) && add.start > removedAt);
}

/** Some removal had, at its peer, seen all additions. */
const mustBeGone = ({ adds, removals }: History): boolean =>
  removals.some(
    (removal) =>
      isAcked(removal) &&
      adds.every(
        ({ place, life, end }) => place === removal.place && life === removal.life && end < removal.start,
      ),
  );
