import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { toHex } from '../../../src/base/bytes.js';
import type { BucketName, OriginId, PeerId } from '../../../src/base/ids.js';
import { stampAt, STAMP_ZERO } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import {
  isDown,
  isEvicted,
  isNews,
  markDigest,
  type MemberRecord,
  mergeRecord,
  withMarks,
} from '../../../src/protocol/members.js';
import { record, shown } from './arbitrary.js';

const P = 'p'.repeat(21) as PeerId;
const stamps = fc.nat(3).map((millis) => stampAt(millis));
/** Records of one member, often of the same number, though with other content. */
const ofOne = record.chain((one) =>
  fc
    .tuple(stamps, stamps, stamps)
    .map(([number, evictedUpTo, downUpTo]) => ({ ...one, peer: P, number, evictedUpTo, downUpTo })),
);
const base: MemberRecord = {
  peer: P,
  name: 'one',
  url: null,
  number: stampAt(2),
  origins: [],
  vectors: [],
  evictedUpTo: STAMP_ZERO,
  downUpTo: STAMP_ZERO,
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

  test('keeps the later announcement, eviction and down mark, wherever each comes from', () => {
    const down = { ...base, downUpTo: stampAt(7) };
    expect(mergeRecord({ ...base, number: stampAt(9) }, down)).toEqual({ ...down, number: stampAt(9) });
    expect(mergeRecord(down, { ...base, downUpTo: stampAt(6) })).toBe(down);
    const announced = { ...base, number: stampAt(9), name: 'new' };
    const evicted = { ...base, evictedUpTo: stampAt(5) };
    expect(mergeRecord(announced, evicted)).toEqual({ ...announced, evictedUpTo: stampAt(5) });
    expect(mergeRecord(evicted, announced)).toEqual({ ...announced, evictedUpTo: stampAt(5) });
  });

  test('gives back the first when the second says nothing new', () => {
    const known = { ...base, number: stampAt(9), evictedUpTo: stampAt(5), downUpTo: stampAt(5) };
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

  test('of one number chooses alike where they differ only in where the member is', () => {
    const [a, b] = [
      { ...base, url: 'http://a:1' },
      { ...base, url: 'http://b:1' },
    ];
    expect(mergeRecord(a, b)).toBe(mergeRecord(b, a));
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

describe('a member that is down', () => {
  test('is so until it announces something later, and counts all the while', () => {
    const down = { ...base, downUpTo: base.number };
    expect(isDown(base)).toBe(false);
    expect(isDown(down)).toBe(true);
    expect(isEvicted(down)).toBe(false);
    expect(isDown({ ...down, number: stampAt(2, 1) })).toBe(false);
  });
});

describe('a mark', () => {
  test('is news when its number, its eviction or its down mark is later', () => {
    expect(isNews(base, undefined)).toBe(true);
    expect(isNews(base, base)).toBe(false);
    const later = [{ number: stampAt(3) }, { evictedUpTo: stampAt(1) }, { downUpTo: stampAt(1) }];
    for (const change of later) {
      expect(isNews({ ...base, ...change }, base)).toBe(true);
      expect(isNews(base, { ...base, ...change })).toBe(false);
    }
  });

  test('takes nothing back when it is put on a record, and leaves the announcement as it is', () => {
    const record = { ...base, evictedUpTo: stampAt(5), downUpTo: stampAt(1) };
    const said = { ...base, number: stampAt(9), evictedUpTo: stampAt(4), downUpTo: stampAt(6) };
    expect(withMarks(record, said)).toEqual({ ...record, downUpTo: stampAt(6) });
    expect(withMarks(record, base)).toBe(record);
  });

  test('has the digest that docs/PROTOCOL.md describes, another one for each other mark', () => {
    const text = `${P}:0000000000020000:0000000000000000:0000000000000000`;
    expect(toHex(markDigest(base))).toBe(createHash('sha256').update(text).digest('hex').slice(0, 32));
    const changes = [{ number: stampAt(3) }, { evictedUpTo: stampAt(1) }, { downUpTo: stampAt(1) }];
    const digests = [base, ...changes.map((change) => ({ ...base, ...change }))].map(markDigest).map(toHex);
    expect(new Set(digests).size).toBe(4);
  });
});
