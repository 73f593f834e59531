import { describe, expect, test } from '@jest/globals';
import { sealEntry } from '../../../src/data/entry.js';
import type { Batch } from '../../../src/replica/batch.js';
import { Turn } from '../../../src/replica/turn.js';
import { BUCKET, op, origin, push, shown, Subject } from './builders.js';
import { accounts, SpoiltStore } from './spoilt-store.js';

const NOTHING: Batch = { puts: [], vectors: [], floors: [], totals: [], damages: [], members: [] };

/** A replica with these writes of another peer, and who told it. */
function holding(...ops: ReturnType<typeof op>[]): {
  subject: Subject;
  storage: SpoiltStore;
  link: ReturnType<Subject['meet']>;
} {
  const storage = new SpoiltStore();
  const subject = new Subject({}, storage);
  const link = subject.meet('A');
  subject.learn(link, ...ops);
  subject.clear();
  return { subject, storage, link };
}

const look = (subject: Subject, key: string): void =>
  void subject.take({ kind: 'damaged', bucket: BUCKET, key });

function expectBalanced(subject: Subject): void {
  const { counted, actual } = accounts(subject);
  expect(counted).toEqual(actual);
}

/** What a process would find and count that is started now, the last one having died. */
function expectBalancedAfterCrash(storage: SpoiltStore): void {
  expectBalanced(new Subject({}, storage.afterCrash()));
}

describe('a row that is taken out', () => {
  const three = [op('a', 1, 1, 'x'), op('a', 2, 2, 'y'), op('a', 3, 3, 'z')];

  test('goes out of totals and sums in the same batch: no crash can come in between', () => {
    const { subject, storage } = holding(...three);
    storage.spoil('y');
    look(subject, 'y');
    expectBalanced(subject);
    expectBalancedAfterCrash(storage);
  });

  test('also a tombstone, and one whose neighbours are damaged as well', () => {
    const { subject, storage } = holding(...three, op('a', 4, 4, 'w', null), op('a', 70, 5, 'v'));
    for (const key of ['y', 'z', 'w']) storage.spoil(key);
    look(subject, 'w');
    look(subject, 'y');
    look(subject, 'z');
    expectBalanced(subject);
    expect(subject.bucket.keys).toBe(2);
    expect(subject.covered).toBe('a:1-1,70-70');
    expectBalancedAfterCrash(storage);
  });

  test('also when another one of its block reads well again later', () => {
    const { subject, storage } = holding(...three);
    for (const key of ['x', 'z']) storage.spoil(key);
    look(subject, 'x');
    storage.mend('z');
    for (let i = 0; i < 10; i++) subject.take({ kind: 'wake' });
    expect(subject.bucket.damages.isUnsettled).toBe(false);
    expectBalanced(subject);
  });

  test('together with another one of its block, in one turn', () => {
    const { subject, storage, link } = holding(...three);
    for (const key of ['x', 'z']) storage.spoil(key);
    subject.say(link, push(op('b', 1, 9, 'x')), push(op('b', 2, 10, 'z')));
    expect(subject.covered).toBe('a:2-2 b:1-2');
    expectBalanced(subject);
    expectBalancedAfterCrash(storage);
  });

  test('with several entries in it, by itself: nothing is counted anew', () => {
    const storage = new SpoiltStore();
    const subject = new Subject({ buckets: { [BUCKET]: { policy: 'siblings' } } }, storage);
    subject.learn(subject.meet('A'), op('a', 4, 4, 'x', 'one'), op('a', 5, 5, 'x', 'two'));
    storage.spoil('x');
    look(subject, 'x');
    expect(subject.bucket.damages.isUnsettled).toBe(false);
    expectBalanced(subject);
  });

  test('also when it gives itself out for the entry that stands beside it', () => {
    const storage = new SpoiltStore();
    const subject = new Subject({ buckets: { [BUCKET]: { policy: 'siblings' } } }, storage);
    subject.learn(subject.meet('A'), op('a', 4, 4, 'x', 'lost'), op('a', 5, 5, 'x', 'stays'));
    storage.spoil('x', 'dot');
    look(subject, 'x');
    for (let i = 0; i < 5; i++) subject.take({ kind: 'wake' });
    expect(subject.covered).toBe('a:5-5');
    expectBalanced(subject);
    expectBalancedAfterCrash(storage);
  });

  test('and comes back in one turn leaves no mark, and nothing to be counted anew', () => {
    const { subject, storage, link } = holding(...three);
    storage.spoil('y');
    // The first push comes across the damage, the second one brings back what was lost.
    const step = subject.say(link, push(op('b', 1, 9, 'y')), push(op('a', 2, 2, 'y')));
    expect(step.notes.map(({ event }) => event)).toEqual(['row-damaged', 'row-repaired']);
    expect(subject.bucket.damages.size).toBe(0);
    expectBalanced(subject);
    expectBalancedAfterCrash(storage);
  });

  test('is told of once, however many come across it', () => {
    const { subject, storage } = holding(...three);
    const { bucket } = subject;
    storage.spoil('y');
    const taken: string[] = [];
    const { counters } = subject.replica.core;
    const turn = new Turn({ mono: 0, wall: 0 }, storage, counters, (_, __, key) => {
      taken.push(key);
      turn.quarantine(bucket, key, [], []);
      return [];
    });
    // As whoever walks the dot index: what it names is not there.
    for (let times = 0; times < 2; times++) {
      expect(turn.get(bucket, 'y')).toEqual([]);
      turn.distrust(bucket, 'y', { origin: origin('a'), seq: 2 });
    }
    expect(taken).toEqual(['y']);
  });

  test('changes one mark, not the rows of all', () => {
    const { subject, storage, link } = holding(...three);
    for (const key of ['x', 'y', 'z']) storage.spoil(key);
    look(subject, 'x');
    look(subject, 'y');
    const third = subject.take({ kind: 'damaged', bucket: BUCKET, key: 'z' });
    expect(third.persist?.damages).toMatchObject([{ set: [{ seq: 3 }], cleared: [] }]);
    const back = subject.say(link, push(op('a', 2, 2, 'y')));
    expect(back.persist?.damages).toMatchObject([{ set: [], cleared: [{ seq: 2 }] }]);
  });
});

describe('a row of which nothing can be read', () => {
  /** Sums are over 16 dots, and a slice of the search is some thousand rows. */
  const MANY = 9_000;

  function large(): { subject: Subject; storage: SpoiltStore } {
    const storage = new SpoiltStore();
    const subject = new Subject({}, storage);
    subject.write(...Array.from({ length: MANY }, (_, i) => [`k${i}`, 'v'] as const));
    subject.pass(1);
    return { subject, storage };
  }

  /** Lets everything that is due happen. @returns the most rows that a turn has read, and the turns */
  function settle(subject: Subject, storage: SpoiltStore): { most: number; turns: number } {
    let [most, turns] = [0, 0];
    for (; subject.bucket.damages.isUnsettled || turns < 2; turns++) {
      if (turns > 1_000) throw new Error('it never ends');
      storage.rowsRead = 0;
      subject.take({ kind: 'wake' });
      most = Math.max(most, storage.rowsRead);
    }
    return { most, turns };
  }

  test('has its dots looked up slice by slice; until then nothing is claimed, and its key is refused', () => {
    const { subject, storage } = large();
    storage.spoil('k7', 'form');
    storage.spoil('k8000', 'form');
    storage.rowsRead = 0;
    look(subject, 'k7');
    look(subject, 'k8000');
    expect(storage.rowsRead).toBeLessThan(100);
    expect(subject.bucket.damages.size).toBeGreaterThan(0);
    expect(subject.write(['k7', 'again'])).toMatchObject({ code: 'DISK_FAILED' });
    const { most, turns } = settle(subject, storage);
    expect(most).toBeLessThan(5_000);
    expect(turns).toBeGreaterThan(2);
    expect(subject.covered).toBe(`m:1-7,9-8000,8002-${MANY}`);
    expect(subject.bucket.damages.size).toBe(2);
    expectBalanced(subject);
    expectBalancedAfterCrash(storage);
  });

  test('and that is written over meanwhile is still missing afterwards', () => {
    const { subject, storage, link } = holding(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'));
    storage.spoil('y', 'form');
    look(subject, 'y');
    subject.learn(link, op('b', 1, 9, 'y'));
    const died = new Subject({}, storage.afterCrash());
    for (const each of [subject, died]) {
      settle(each, storage);
      expect(each.covered).toBe('a:1-1 b:1-1');
      expect([...each.bucket.damages.values()]).toMatchObject([{ seq: 2, key: 'y' }]);
      expect(each.bucket.keys).toBe(2);
      expectBalanced(each);
    }
  });

  test('and that is deleted meanwhile is counted neither once too often nor once too little', () => {
    const { subject, storage, link } = holding(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'));
    storage.spoil('y', 'form');
    look(subject, 'y');
    subject.learn(link, op('b', 1, 9, 'y', null));
    const died = new Subject({}, storage.afterCrash());
    for (const each of [subject, died]) {
      settle(each, storage);
      expect(each.bucket.keys).toBe(1);
      expectBalanced(each);
    }
  });

  test('is not known by its key after a crash: no key is written until all has been counted', () => {
    const { subject, storage } = holding(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'));
    storage.spoil('y', 'form');
    look(subject, 'y');
    const died = new Subject({}, storage.afterCrash());
    expect(died.write(['y', 'again'])).toMatchObject({ code: 'DISK_FAILED' });
    settle(died, storage);
    expect(died.write(['x', 'again'])).toMatchObject({ kind: 'written' });
  });

  test('and of which the dot index knows nothing has all counted anew, also after a crash', () => {
    const { subject, storage } = holding(op('a', 1, 1, 'x'), op('a', 2, 2, 'y'));
    storage.unindex('y');
    storage.spoil('y', 'form');
    look(subject, 'y');
    // The search ends and the row goes; nothing was counted yet.
    subject.take({ kind: 'wake' });
    expect([...storage.cells(BUCKET, {})]).toHaveLength(1);
    const died = new Subject({}, storage.afterCrash());
    for (const each of [subject, died]) {
      expect(each.bucket.damages.isUnsettled).toBe(true);
      settle(each, storage);
      expectBalanced(each);
    }
  });
});

describe('counting anew', () => {
  const MANY = 3_000;

  /** A store whose sums, totals and dot index are wrong, and that says so. */
  function wrong(): SpoiltStore {
    const storage = new SpoiltStore();
    const subject = new Subject({}, storage);
    subject.write(...Array.from({ length: MANY }, (_, i) => [`k${i}`, 'v'] as const));
    subject.write(...Array.from({ length: 50 }, (_, i) => [`k${i}`, null] as const));
    const other = sealEntry(op('m', 40, 1, 'never'));
    const [lost] = storage.get(BUCKET, 'k2999');
    if (!lost) throw new Error('nothing stands there');
    const totals = {
      bucket: BUCKET,
      keys: 7,
      tombstones: 8,
      droppedUpTo: other.stamp,
      hash: new Uint8Array(16),
    };
    storage.commit({
      ...NOTHING,
      totals: [totals],
      puts: [{ bucket: BUCKET, key: 'elsewhere', before: [other], after: [] }],
      sums: [{ bucket: BUCKET, origin: origin('m'), level: 2, index: 0, sum: other.digest }],
      damages: [{ bucket: BUCKET, set: [], cleared: [], isUnsettled: true }],
    });
    // Its row of the dot index goes.
    const nameless = { ...lost, digest: lost.digest.subarray(0, 0) };
    storage.commit({
      ...NOTHING,
      puts: [{ bucket: BUCKET, key: lost.key, before: [lost, nameless], after: [lost] }],
    });
    return storage.afterCrash();
  }

  test('goes in slices, and is right although writes come in between', () => {
    const storage = wrong();
    const subject = new Subject({}, storage);
    expect(() => expectBalanced(subject)).toThrow();
    let [most, turns] = [0, 0];
    for (; subject.bucket.damages.isUnsettled; turns++) {
      if (turns > 100) throw new Error('it never ends');
      storage.rowsRead = 0;
      subject.take({ kind: 'wake' });
      most = Math.max(most, storage.rowsRead);
      // Before, behind and where the count is; a new value, a delete, a new key.
      subject.write([`k${turns}`, 'again'], [`k${MANY - 1 - turns}`, null], [`new${turns}`, 'v']);
    }
    expect(turns).toBeGreaterThan(5);
    expect(most).toBeLessThan(3_000);
    expectBalanced(subject);
    expect(shown(subject.bucket.vector)).toMatch(/^m:1-/);
    expectBalancedAfterCrash(storage);
  });

  test('begins again when something that was counted is lost meanwhile', () => {
    const storage = wrong();
    const subject = new Subject({}, storage);
    subject.take({ kind: 'wake' });
    subject.take({ kind: 'wake' });
    const [counted] = storage.get(BUCKET, 'k101');
    if (!counted) throw new Error('nothing stands there');
    storage.spoil('k101');
    look(subject, 'k101');
    for (let turns = 0; subject.bucket.damages.isUnsettled; turns++) {
      if (turns > 100) throw new Error('it never ends');
      subject.take({ kind: 'wake' });
    }
    expectBalanced(subject);
    expect(subject.bucket.vector.covers(counted)).toBe(false);
  });
});
