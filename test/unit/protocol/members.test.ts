import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { toHex } from '../../../src/base/bytes.js';
import type { BucketName, OriginId, PeerId } from '../../../src/base/ids.js';
import { stampAt, STAMP_ZERO } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import {
  isEvicted,
  type MemberRecord,
  membersHash,
  mergeRecord,
  rosterOf,
} from '../../../src/protocol/members.js';
import { record, shown } from './arbitrary.js';

const P = 'p'.repeat(21) as PeerId;
const stamps = fc.nat(3).map((millis) => stampAt(millis));
/** Records of one member, often of the same number, though with other content. */
const ofOne = record.chain((one) =>
  fc.tuple(stamps, stamps).map(([number, evictedUpTo]) => ({ ...one, peer: P, number, evictedUpTo })),
);
const base: MemberRecord = {
  peer: P,
  name: 'one',
  number: stampAt(2),
  origins: [],
  vectors: [],
  evictedUpTo: STAMP_ZERO,
};

describe('merging records of a member', () => {
  test('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(ofOne, ofOne, ofOne, (a, b, c) => {
        expect(shown(mergeRecord(a, b))).toEqual(shown(mergeRecord(b, a)));
        expect(shown(mergeRecord(mergeRecord(a, b), c))).toEqual(shown(mergeRecord(a, mergeRecord(b, c))));
        expect(mergeRecord(a, a)).toBe(a);
        expect(mergeRecord(mergeRecord(a, b), b)).toEqual(mergeRecord(a, b));
      }),
    );
  });

  test('keeps the later announcement and the later eviction, wherever each comes from', () => {
    const announced = { ...base, number: stampAt(9), name: 'new' };
    const evicted = { ...base, evictedUpTo: stampAt(5) };
    expect(mergeRecord(announced, evicted)).toEqual({ ...announced, evictedUpTo: stampAt(5) });
    expect(mergeRecord(evicted, announced)).toEqual({ ...announced, evictedUpTo: stampAt(5) });
  });

  test('gives back the first when the second says nothing new', () => {
    const known = { ...base, number: stampAt(9), evictedUpTo: stampAt(5) };
    for (const old of [base, { ...base, evictedUpTo: stampAt(5) }, { ...known, origins: [] }])
      expect(mergeRecord(known, old)).toBe(known);
  });

  test('of one number chooses alike whatever the order of the vectors in a record', () => {
    const row = (name: string, seq: number) =>
      [name as BucketName, new VersionVector([['o'.repeat(21) as OriginId, [1, seq]]])] as const;
    const [a, b] = [row('a', 1), row('b', 2)];
    const record = { ...base, vectors: [a, b] };
    expect(mergeRecord(record, { ...base, vectors: [b, a] })).toBe(record);
  });

  test('of two members is a mistake', () => {
    expect(() => mergeRecord(base, { ...base, peer: 'q'.repeat(21) as PeerId })).toThrow('two members');
  });
});

describe('an evicted member', () => {
  test('counts again once it announces something later', () => {
    const evicted = { ...base, evictedUpTo: base.number };
    expect(isEvicted(base)).toBe(false);
    expect(isEvicted(evicted)).toBe(true);
    expect(isEvicted({ ...evicted, number: stampAt(2, 1) })).toBe(false);
  });
});

describe('the hash of all records', () => {
  test('does not depend on their order, nor on what a number stands for', () => {
    const others = fc.uniqueArray(record, { selector: ({ peer }) => peer, maxLength: 5 });
    fc.assert(
      fc.property(others, fc.nat(), (records, turn) => {
        const at = records.length === 0 ? 0 : turn % records.length;
        const rotated = [...records.slice(at), ...records.slice(0, at)].map((one) => ({
          ...one,
          vectors: [],
        }));
        expect(toHex(membersHash(rotated))).toBe(toHex(membersHash(records)));
        expect(rosterOf(rotated)).toEqual(rosterOf(records));
      }),
    );
  });

  test('changes with the number, the eviction and the member', () => {
    const records = [
      base,
      { ...base, number: stampAt(3) },
      { ...base, evictedUpTo: stampAt(1) },
      { ...base, peer: 'q'.repeat(21) as PeerId },
    ];
    const hashes = records.map((one) => toHex(membersHash([one])));
    expect(new Set([...hashes, toHex(membersHash([])), toHex(membersHash(records.slice(2)))]).size).toBe(6);
  });

  test('is the one that docs/PROTOCOL.md describes', () => {
    const text = `${P}:0000000000020000:0000000000000000;`;
    expect(toHex(membersHash([base]))).toBe(createHash('sha256').update(text).digest('hex').slice(0, 32));
  });
});
