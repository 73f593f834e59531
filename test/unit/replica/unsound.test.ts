import { describe, expect, test } from '@jest/globals';
import { sealEntry } from '../../../src/data/entry.js';
import type { Batch } from '../../../src/replica/batch.js';
import { BUCKET, op, origin, Subject } from './builders.js';
import { accounts, SpoiltStore } from './spoilt-store.js';

const NOTHING: Batch = { puts: [], vectors: [], floors: [], totals: [], damages: [], members: [] };
const AUDIT_MS = 1000;

function holding(): { subject: Subject; storage: SpoiltStore } {
  const storage = new SpoiltStore();
  const subject = new Subject({ auditMs: AUDIT_MS }, storage);
  subject.learn(subject.meet('A'), op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('a', 3, 3, 'z', null));
  subject.clear();
  return { subject, storage };
}

/** Lets what is due happen, an audit of all included. @returns the names of what was noted */
function settle(subject: Subject): string[] {
  const before = subject.notes.length;
  for (let i = 0; i < 6; i++) subject.pass(AUDIT_MS);
  expect(subject.bucket.damages.isUnsettled).toBe(false);
  return subject.notes.slice(before);
}

const tombstones = (storage: SpoiltStore): string[] =>
  [...storage.tombstones(BUCKET, origin('a'), 1, 100)].map(({ key }) => key);

function expectBalanced(subject: Subject): void {
  const { counted, actual } = accounts(subject);
  expect(counted).toEqual(actual);
}

describe('the audit of the cells', () => {
  test('finds an entry that the dot index has lost, and gives it its row again', () => {
    const { subject, storage } = holding();
    storage.unindex('y');
    expect(() => expectBalanced(subject)).toThrow();
    expect(settle(subject)).toEqual(['index-damaged']);
    expectBalanced(subject);
  });

  test('finds a tombstone that its index has lost: it could never be dropped', () => {
    const { subject, storage } = holding();
    storage.forgetTombstone('z');
    expect(tombstones(storage)).toEqual([]);
    expect(settle(subject)).toEqual(['index-damaged']);
    expect(tombstones(storage)).toEqual(['z']);
    expectBalanced(subject);
  });

  test('finds nothing where nothing is, and says when it was through', () => {
    const { subject } = holding();
    expect(subject.replica.auditedAt).toBeUndefined();
    expect(settle(subject)).toEqual([]);
    expect(subject.bucket.damages.found).toBe(0);
    expect(subject.replica.auditedAt).toBeGreaterThan(0);
  });

  test('is followed by one of the sums, which the store checks when they are read', () => {
    const { subject, storage } = holding();
    const read = new Set<string>();
    const ranges = storage.ranges.bind(storage);
    storage.ranges = (bucket, from, level, ...bounds) => {
      read.add(`${from === origin('a') ? 'a' : from} ${level}`);
      return ranges(bucket, from, level, ...bounds);
    };
    settle(subject);
    expect([...read].sort()).toEqual(['a 0', 'a 1', 'a 2']);
  });
});

describe('a store that has met damaged rows of indexes or sums', () => {
  /** The store loses a row of the sums, and with it what they say. */
  function unsummed(): { subject: Subject; storage: SpoiltStore } {
    const { subject, storage } = holding();
    const other = sealEntry(op('a', 40, 1, 'never'));
    const sums = [{ bucket: BUCKET, origin: origin('a'), level: 0, index: 0, sum: other.digest } as const];
    storage.commit({ ...NOTHING, sums });
    return { subject, storage };
  }

  test.each([{ bucket: BUCKET }, {}])('has all of the bucket counted anew: %j', (where) => {
    const { subject } = unsummed();
    expect(() => expectBalanced(subject)).toThrow();
    const { notes } = subject.take({ kind: 'unsound', ...where });
    expect(notes).toMatchObject([{ level: 'error', event: 'index-damaged' }]);
    // Until then it claims nothing, also after a crash.
    expect(subject.bucket.damages.size).toBe(1);
    expect(subject.take({ kind: 'unsound', ...where }).notes).toEqual([]);
    settle(subject);
    expect(subject.bucket.damages.size).toBe(0);
    expectBalanced(subject);
  });

  test('keeps that in mind over a crash', () => {
    const { subject, storage } = unsummed();
    const { persist } = subject.take({ kind: 'unsound', bucket: BUCKET });
    expect(persist?.damages).toMatchObject([{ isUnsettled: true }]);
    const died = new Subject({}, storage.afterCrash());
    expect(died.bucket.damages.isUnsettled).toBe(true);
    settle(died);
    expectBalanced(died);
  });
});
