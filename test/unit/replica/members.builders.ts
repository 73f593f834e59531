import type { LinkId } from '../../../src/base/ids.js';
import { STAMP_ZERO, stampAt } from '../../../src/data/stamp.js';
import { type MemberRecord, markOf } from '../../../src/protocol/members.js';
import type { Roster } from '../../../src/protocol/messages.js';
import { BUCKET, EPOCH, origin, peerId, type Subject, vector } from './builders.js';

/** What member `letter` announced `at` milliseconds after the beginning: that it has flushed `covered`. */
export const member = (
  letter: string,
  at: number,
  covered = '',
  change: Partial<MemberRecord> = {},
): MemberRecord => ({
  peer: peerId(letter),
  name: letter,
  url: null,
  number: stampAt(EPOCH + at),
  origins: [origin(letter.toLowerCase())],
  vectors: [[BUCKET, vector(covered)]],
  evictedUpTo: STAMP_ZERO,
  downUpTo: STAMP_ZERO,
  ...change,
});

export const evicted = (record: MemberRecord): MemberRecord => ({ ...record, evictedUpTo: record.number });

export const down = (record: MemberRecord): MemberRecord => ({ ...record, downUpTo: record.number });

/** A neighbour says which announcements it has: all of them, or with `full: false` those that changed. */
export const rosterOf = (records: Iterable<MemberRecord>, full = true): Roster => ({
  type: 'roster',
  full,
  members: [...records].map(markOf),
});

/** A neighbour says what it knows of members. */
export const tell = (subject: Subject, link: LinkId, ...records: MemberRecord[]): void => {
  subject.say(link, { type: 'members', records });
};

/** `B@5 C@7!`: the members that a replica knows and when they announced themselves, seconds; `!` is evicted, `?` down. */
export const known = (subject: Subject): string =>
  [...subject.replica.members.all()]
    .map(({ name, number, evictedUpTo, downUpTo }) => {
      const seconds = Number(((number >> 16n) - BigInt(EPOCH)) / 1000n);
      return `${name}@${seconds}${number <= evictedUpTo ? '!' : ''}${number <= downUpTo ? '?' : ''}`;
    })
    .sort()
    .join(' ');
