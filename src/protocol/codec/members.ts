import type { OriginId, PeerId } from '../../base/ids.js';
import { type Fields, vectorToList } from '../fields.js';
import { MAX_BUCKETS, MAX_MEMBER_ORIGINS, MAX_MEMBERS } from '../limits.js';
import type { MemberRecord } from '../members.js';
import type { CodecsOf } from './message-codec.js';

/** What members announce of themselves. */
export const memberCodecs: CodecsOf<'roster' | 'members'> = {
  roster: {
    write: ({ members }) => [members.flatMap((m) => [m.peer, m.number, m.evictedUpTo])],
    read: (f) => ({
      type: 'roster',
      members: f.eachOnce(
        MAX_MEMBERS,
        'a member',
        (m) => ({ peer: m.id() as PeerId, number: m.stamp(), evictedUpTo: m.stamp() }),
        ({ peer }) => peer,
      ),
    }),
  },
  members: {
    write: ({ records }) => [records.flatMap(recordToFields)],
    read: (f) => ({
      type: 'members',
      records: f.eachOnce(MAX_MEMBERS, 'a member', readRecord, ({ peer }) => peer),
    }),
  },
};

const recordToFields = (record: MemberRecord): unknown[] => [
  record.peer,
  record.name,
  record.number,
  record.origins,
  record.vectors.flatMap(([bucket, vector]) => [bucket, vectorToList(vector)]),
  record.evictedUpTo,
];

const readRecord = (f: Fields): MemberRecord => ({
  peer: f.id() as PeerId,
  name: f.text(),
  number: f.stamp(),
  origins: f.eachOnce(
    MAX_MEMBER_ORIGINS,
    'an origin',
    (o) => o.id() as OriginId,
    (origin) => origin,
  ),
  vectors: f.eachOnce(
    MAX_BUCKETS,
    'a bucket',
    (b) => [b.bucket(), b.vector()] as const,
    ([bucket]) => bucket,
  ),
  evictedUpTo: f.stamp(),
});
