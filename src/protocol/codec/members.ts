import type { OriginId, PeerId } from '../../base/ids.js';
import { type Stamp, STAMP_ZERO } from '../../data/stamp.js';
import type { Fields } from '../fields.js';
import { MAX_BUCKETS, MAX_MEMBER_ORIGINS, MAX_MEMBERS } from '../limits.js';
import type { MemberRecord } from '../members.js';
import type { CodecsOf } from './message-codec.js';
import { originAt, OriginList, placedVectorToList, readOrigins, readPlacedVector } from './operations.js';

/** What members announce of themselves. */
export const memberCodecs: CodecsOf<'roster' | 'members'> = {
  roster: {
    write: ({ full, members }) => [
      full,
      members.flatMap((m) => [m.peer, m.number, mark(m.evictedUpTo), mark(m.downUpTo)]),
    ],
    read: (f) => ({
      type: 'roster',
      full: f.flag(),
      members: f.eachOnce(
        MAX_MEMBERS,
        'a member',
        (m) => ({ peer: m.id() as PeerId, number: m.stamp(), evictedUpTo: m.stamp(), downUpTo: m.stamp() }),
        ({ peer }) => peer,
      ),
    }),
  },
  members: {
    write({ records }) {
      const origins = new OriginList();
      const list = records.flatMap((record) => recordToFields(record, origins));
      return [origins.toList(), list];
    },
    read(f) {
      const origins = readOrigins(f);
      const records = f.eachOnce(
        MAX_MEMBERS,
        'a member',
        (m) => readRecord(m, origins),
        ({ peer }) => peer,
      );
      return { type: 'members', records };
    },
  },
};

/** Few members ever had one: that takes one byte instead of nine. */
const mark = (stamp: Stamp): Stamp | 0 => (stamp === STAMP_ZERO ? 0 : stamp);

const recordToFields = (record: MemberRecord, origins: OriginList): unknown[] => [
  record.peer,
  record.name,
  record.number,
  record.origins.map((origin) => origins.place(origin)),
  record.vectors.flatMap(([bucket, vector]) => [bucket, placedVectorToList(vector, origins)]),
  mark(record.evictedUpTo),
  record.url,
  mark(record.downUpTo),
];

const readRecord = (f: Fields, origins: readonly OriginId[]): MemberRecord => ({
  peer: f.id() as PeerId,
  name: f.text(),
  number: f.stamp(),
  origins: f.eachOnce(
    MAX_MEMBER_ORIGINS,
    'an origin',
    (o) => originAt(origins, o.uint()),
    (origin) => origin,
  ),
  vectors: f.eachOnce(
    MAX_BUCKETS,
    'a bucket',
    (b) => [b.bucket(), readPlacedVector(b.list(), origins)] as const,
    ([bucket]) => bucket,
  ),
  evictedUpTo: f.stamp(),
  url: f.orNull((field) => field.text()),
  downUpTo: f.stamp(),
});
