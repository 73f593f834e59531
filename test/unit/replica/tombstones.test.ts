import { describe, expect, test } from '@jest/globals';
import { type BucketName, DEFAULT_BUCKET, type LinkId, type OriginId } from '../../../src/base/ids.js';
import { type EntryWithoutDigest, sealEntry } from '../../../src/data/entry.js';
import { type Stamp, stampAt } from '../../../src/data/stamp.js';
import type { ReplicaSettings } from '../../../src/replica/replica.js';
import type { Step } from '../../../src/replica/step.js';
import { type TombstoneStatus, tombstoneStatus } from '../../../src/replica/tombstone-status.js';
import { Turn } from '../../../src/replica/turn.js';
import type { DotRow } from '../../../src/replica/view.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { BUCKET, EPOCH, op, origin, peerId, push, shown, Subject, vector } from './builders.js';
import { evicted, member, tell } from './members.builders.js';

/** A store that counts how often it is looked through for tombstones. */
class Counted extends MemoryStorage {
  scans = 0;

  constructor() {
    super({ peerId: peerId('M'), origin: origin('m') });
  }

  override tombstones(
    bucket: BucketName,
    from: OriginId,
    lo: number,
    hi: number,
  ): Generator<DotRow, undefined, undefined> {
    this.scans++;
    return super.tombstones(bucket, from, lo, hi);
  }
}

interface Scene {
  readonly subject: Subject;
  readonly storage: Counted;
  readonly link: LinkId;
}

/** A peer with a neighbour that has told its members; neither of them is a member. */
function scene(settings: Partial<ReplicaSettings> = {}): Scene {
  const storage = new Counted();
  const subject = new Subject({ antiEntropyMs: [50_000, 50_000], pingTimeoutMs: 1e9, ...settings }, storage);
  const link = subject.meet('A');
  tell(subject, link);
  return { subject, storage, link };
}

/** Long enough for a look and what follows from it. */
const LOOK = 1300;

const standing = ({ subject }: Scene): string =>
  [...subject.storage.cells(BUCKET, {})]
    .flat()
    .map(({ key, value }) => (value === null ? `-${key}` : key))
    .sort()
    .join(' ');

const floor = ({ subject }: Scene): string => shown(subject.bucket.floor);

const status = ({ subject, storage }: Scene): TombstoneStatus =>
  tombstoneStatus(storage, subject.replica.members, subject.bucket);

/** The neighbour says what it covers. */
const knows = ({ subject, link }: Scene, covered: string): void => {
  subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector(covered)]] });
};

/** A write that supersedes what `seen` says. */
const causal = (write: EntryWithoutDigest, seen: string): EntryWithoutDigest => ({
  ...write,
  context: vector(seen),
});

describe('a write after the drop', () => {
  /** A lone peer that has dropped the tombstone of `k`, of the stamp that is returned. */
  function dropped(): { subject: Subject; tombstone: Stamp } {
    const subject = new Subject({ durable: true });
    subject.write(['k', 'v'], ['k', null]);
    const tombstone = subject.replica.core.clock.last;
    subject.pass(8000);
    expect(subject.bucket.tombstones).toBe(0);
    return { subject, tombstone };
  }

  test('is above the tombstone, which may still stand elsewhere, though our clock was set back', () => {
    const { subject, tombstone } = dropped();
    subject.skew = 100_000;
    subject.write(['z', 'ahead']);
    subject.skew = -50_000;
    const reply = subject.write(['k', 'w']);
    expect(reply).toMatchObject({ kind: 'written' });
    expect(subject.notes).toContain('origin-changed');
    expect(subject.replica.core.clock.last).toBeGreaterThan(tombstone);
  });

  test('is refused while the tombstone lies beyond the horizon of a clock that was set back', () => {
    const { subject } = dropped();
    subject.skew = -3_600_000;
    expect(subject.write(['k', 'w'])).toMatchObject({ code: 'CLOCK_DRIFT' });
    expect(subject.data).toEqual({});
    subject.skew = -50_000;
    expect(subject.write(['k', 'w'])).toMatchObject({ kind: 'written' });
  });
});

describe('a tombstone goes (rule 10)', () => {
  test('when every member has announced that it has it on its disk, not before', () => {
    const s = scene();
    tell(s.subject, s.link, member('B', 1000, 'a:1-1'), member('C', 1000, 'a:1-2'));
    s.subject.learn(s.link, op('a', 1, 1, 'x'), op('a', 2, 2, 'x', null), op('a', 3, 3, 'y'));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('-x y');
    tell(s.subject, s.link, member('B', 2000, 'a:1-2'));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('y');
    expect(s.subject.bucket.tombstones).toBe(0);
    expect(s.subject.bucket.droppedUpTo).toBe(stampAt(EPOCH + 2));
    expect(s.subject.replica.core.counters.tombstonesDropped).toBe(1);
    expect(s.subject.covered).toBe('a:1-3');
  });

  test('only once we ourselves cover all that any member has announced', () => {
    const s = scene();
    // (b,1) is older than the delete, known to B and not yet to us: after a drop it would stand up again.
    tell(s.subject, s.link, member('B', 1000, 'a:1-2 b:1-1'));
    s.subject.learn(s.link, op('a', 1, 1, 'x'), op('a', 2, 5, 'x', null));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('-x');
    s.subject.learn(s.link, op('b', 1, 3, 'x', 'old'));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('');
    expect(s.subject.replica.core.counters.lateWrites).toBe(0);
  });

  test('waits for our own announcement too, if we are a member', () => {
    const s = scene({ durable: true });
    s.subject.pass(1);
    tell(s.subject, s.link, member('B', 1000, 'a:1-2'));
    s.subject.learn(s.link, op('a', 1, 1, 'x'), op('a', 2, 2, 'x', null));
    s.subject.pass(3000);
    expect(standing(s)).toBe('-x');
    s.subject.pass(5000);
    expect(standing(s)).toBe('');
    expect(floor(s)).toBe('a:1-2');
  });

  test('also at a lone peer', () => {
    const subject = new Subject({ durable: true });
    for (let i = 0; i < 3; i++) subject.write(['k', 'v'], ['k', null]);
    subject.pass(8000);
    expect(subject.bucket.tombstones).toBe(0);
    expect(shown(subject.bucket.floor)).toBe('m:1-6');
    expect(subject.wakeAt).toBeGreaterThan(subject.now);
  });

  test('does not wait for an evicted member, nor for one that has no such bucket', () => {
    const s = scene();
    const elsewhere = [['other' as BucketName, vector('')]] as const;
    tell(s.subject, s.link, evicted(member('B', 1000, '')), member('C', 1000, '', { vectors: elsewhere }));
    tell(s.subject, s.link, member('D', 1000, 'a:1-1'));
    s.subject.learn(s.link, op('a', 1, 1, 'x', null));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('');
  });

  test('not before the neighbours have told whom they know', () => {
    const subject = new Subject({ pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    tell(subject, link, member('B', 1000, 'a:1-1'));
    const other = subject.meet('C');
    subject.learn(link, op('a', 1, 1, 'x', null));
    subject.pass(LOOK);
    expect(subject.bucket.tombstones).toBe(1);
    tell(subject, other, member('D', 1000, ''));
    subject.pass(LOOK);
    expect(subject.bucket.tombstones).toBe(1);
    tell(subject, other, member('D', 2000, 'a:1-1'));
    subject.pass(LOOK);
    expect(subject.bucket.tombstones).toBe(0);
  });

  test('though a neighbour never tells', () => {
    const subject = new Subject({ pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    tell(subject, link, member('B', 1000, 'a:1-1'));
    subject.learn(link, op('a', 1, 1, 'x', null));
    subject.meet('C');
    subject.pass(9000);
    expect(subject.bucket.tombstones).toBe(1);
    subject.pass(3000);
    expect(subject.bucket.tombstones).toBe(0);
  });

  test('not while a row is damaged', () => {
    const s = scene();
    s.subject.learn(s.link, op('a', 1, 1, 'x', null), op('a', 2, 2, 'y'));
    s.subject.bucket.damages.set('mark', { origin: origin('a'), seq: 2, key: 'y' });
    tell(s.subject, s.link, member('B', 1000, 'a:1-2'));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('-x y');
    s.subject.bucket.damages.delete('mark');
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('y');
  });
});

describe('the floor (rule 11)', () => {
  test('becomes what we and all members cover, in the transaction of the drop', () => {
    const s = scene();
    s.subject.learn(s.link, op('a', 1, 1, 'x', null), op('b', 4, 2, 'y'), op('c', 1, 3, 'z'));
    tell(s.subject, s.link, member('B', 1000, 'a:1-1 b:4-4 c:1-1'), member('C', 1000, 'a:1-1 b:4-4'));
    const steps: Step[] = [];
    while (s.subject.bucket.tombstones > 0) {
      s.subject.now += 100;
      steps.push(s.subject.take({ kind: 'wake' }));
    }
    const drop = steps.at(-1)?.persist;
    expect(drop?.puts.map(({ key, after }) => [key, after])).toEqual([['x', []]]);
    expect(drop?.floors.map(({ origin: from, intervals }) => [from[0], intervals])).toEqual([
      ['a', [1, 1]],
      ['b', [4, 4]],
    ]);
    expect(drop?.totals.map(({ tombstones, droppedUpTo }) => [tombstones, droppedUpTo])).toEqual([
      [0, stampAt(EPOCH + 1)],
    ]);
    expect(floor(s)).toBe('a:1-1 b:4-4');
  });

  test('stays where it is when nothing is dropped', () => {
    const s = scene();
    s.subject.learn(s.link, op('a', 1, 1, 'x'), op('a', 2, 2, 'y', null));
    tell(s.subject, s.link, member('B', 1000, 'a:1-1'));
    s.subject.pass(LOOK);
    expect(floor(s)).toBe('');
  });
});

describe('the work', () => {
  test('is done in slices of at most 1,000 tombstones, one a turn', () => {
    const s = scene();
    const writes = Array.from({ length: 2500 }, (_, i) => op('a', i + 1, i + 1, `k${i}`, null));
    s.subject.say(s.link, push(...writes));
    tell(s.subject, s.link, member('B', 1000, 'a:1-2400'));
    s.subject.now += LOOK;
    const slices: number[] = [];
    do slices.push(s.subject.take({ kind: 'wake' }).persist?.puts.length ?? 0);
    while (s.subject.wakeAt <= s.subject.now);
    expect(slices.filter((n) => n > 0)).toEqual([1000, 1000, 400]);
    expect(s.subject.bucket.tombstones).toBe(100);
    expect(floor(s)).toBe('a:1-2400');
  });

  test('a member that joins between two slices is heeded at once', () => {
    const s = scene();
    const writes = Array.from({ length: 1500 }, (_, i) => op('a', i + 1, i + 1, `k${i}`, null));
    s.subject.say(s.link, push(...writes));
    tell(s.subject, s.link, member('B', 1000, 'a:1-1500'));
    s.subject.now += LOOK;
    s.subject.take({ kind: 'wake' });
    expect(s.subject.bucket.tombstones).toBe(500);
    tell(s.subject, s.link, member('C', 1000, ''));
    s.subject.pass(10_000);
    expect(s.subject.bucket.tombstones).toBe(500);
  });

  test('damage that comes to light between two slices is heeded at once', () => {
    const s = scene();
    const writes = Array.from({ length: 1500 }, (_, i) => op('a', i + 1, i + 1, `k${i}`, null));
    s.subject.say(s.link, push(...writes));
    tell(s.subject, s.link, member('B', 1000, 'a:1-1500'));
    s.subject.now += LOOK;
    s.subject.take({ kind: 'wake' });
    s.subject.bucket.damages.set('mark', { origin: origin('a'), seq: 1, key: 'k0' });
    s.subject.take({ kind: 'wake' });
    expect(s.subject.bucket.tombstones).toBe(500);
  });

  test('nothing is scanned while nothing has changed, and nothing twice', () => {
    const s = scene();
    s.subject.learn(s.link, op('a', 1, 1, 'x'), op('a', 2, 2, 'y', null), op('b', 1, 3, 'z', null));
    s.subject.learn(s.link, op('c', 1, 4, 'c'));
    tell(s.subject, s.link, member('B', 1000, 'a:1-2 c:1-1'));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('-z c x');
    const { scans } = s.storage;
    s.subject.pass(20_000);
    expect(s.storage.scans).toBe(scans);
    s.subject.learn(s.link, op('a', 3, 4, 'w'));
    tell(s.subject, s.link, member('B', 2000, 'a:1-3 c:1-1'));
    s.subject.pass(LOOK);
    expect(s.storage.scans).toBe(scans + 1);
  });

  test('an idle peer without tombstones is not woken for it', () => {
    const s = scene({ pingMs: 1e9 });
    s.subject.say(s.link, { type: 'pong', id: 1, clock: 0 });
    s.subject.pass(1);
    expect(s.subject.wakeAt - s.subject.now).toBeGreaterThan(10_000);
  });

  test('a tombstone that reconciliation brings back goes again', () => {
    const s = scene();
    const gone = op('a', 1, 1, 'x', null);
    s.subject.learn(s.link, gone, op('b', 1, 2, 'y', null));
    tell(s.subject, s.link, member('B', 1000, 'a:1-1'));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('-y');
    const { core } = s.subject.replica;
    const turn = new Turn(
      { mono: s.subject.now, wall: EPOCH },
      s.storage,
      core.counters,
      (_, __, ___, cell) => cell,
    );
    turn.apply(s.subject.bucket, sealEntry(gone));
    const { persist } = turn.finish(0, undefined);
    if (persist) s.storage.commit(persist);
    expect(standing(s)).toBe('-x -y');
    s.subject.pass(62_000);
    expect(standing(s)).toBe('-y');
  });
});

describe('tombstones that say what they supersede', () => {
  const settings = { buckets: { [DEFAULT_BUCKET]: { policy: 'siblings' } } } as const;

  test('stay while a neighbour has of that what we lack, as nobody else need have announced it', () => {
    const s = scene(settings);
    s.subject.learn(s.link, causal(op('a', 1, 5, 'x', null), 'b:1-1'), op('a', 2, 6, 'y', null));
    knows(s, 'a:1-2 b:1-1');
    tell(s.subject, s.link, member('B', 1000, 'a:1-2'));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('-x');
    s.subject.learn(s.link, op('b', 1, 3, 'x', 'seen by the delete'));
    expect(standing(s)).toBe('-x');
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('');
  });

  test('do not stay for what nobody has: a crash may have lost it', () => {
    const s = scene(settings);
    s.subject.learn(s.link, causal(op('a', 1, 5, 'x', null), 'b:1-1'));
    tell(s.subject, s.link, member('B', 1000, 'a:1-1'));
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('');
  });

  test('many of them do not keep those behind them standing', () => {
    const s = scene(settings);
    const held = Array.from({ length: 1500 }, (_, i) =>
      causal(op('a', i + 1, i + 1, `k${i}`, null), 'b:1-1'),
    );
    s.subject.say(s.link, push(...held, op('a', 1501, 2000, 'x', null)));
    knows(s, 'a:1-1501 b:1-1');
    tell(s.subject, s.link, member('B', 1000, 'a:1-1501'));
    s.subject.pass(LOOK, 20);
    expect(s.subject.bucket.tombstones).toBe(1500);
  });

  test('go alone: what stands beside them stays', () => {
    const s = scene(settings);
    s.subject.learn(s.link, op('a', 1, 1, 'x', null), op('b', 1, 2, 'x', 'beside'));
    tell(s.subject, s.link, member('B', 1000, 'a:1-1 b:1-1'));
    expect(standing(s)).toBe('-x x');
    const before = s.subject.bucket.fingerprint.toText();
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('x');
    expect(s.subject.bucket.keys).toBe(1);
    expect(s.subject.bucket.fingerprint.toText()).toBe(before);
  });
});

describe('where no peer has a durable store', () => {
  const settings = { evictAfterMs: 60_000, pingTimeoutMs: 1e9 };

  test('tombstones go when they are as old as an absent member could be, and the neighbours have them', () => {
    const s = scene(settings);
    s.subject.learn(s.link, op('a', 1, 1, 'x', null), op('a', 2, 30_000, 'y', null));
    const other = s.subject.meet('B');
    tell(s.subject, other);
    s.subject.pass(58_000);
    expect(standing(s)).toBe('-x -y');
    s.subject.pass(10_000);
    expect(standing(s)).toBe('-x -y');
    s.subject.say(other, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-2')]] });
    s.subject.pass(LOOK);
    expect(standing(s)).toBe('-y');
    s.subject.pass(30_000);
    expect(standing(s)).toBe('');
    expect(floor(s)).toBe('a:1-2');
  });
});

describe('for people', () => {
  test('who holds tombstones back, and since when', () => {
    const s = scene();
    s.subject.learn(s.link, op('a', 1, 1, 'x', null), op('a', 2, 2, 'y', null), op('a', 3, 3, 'z'));
    const records = [member('B', 3000, 'a:1-1'), member('C', 2000, ''), member('D', 1000, 'a:1-2')];
    tell(s.subject, s.link, ...records, evicted(member('E', 500, '')));
    expect(status(s)).toEqual({
      standing: 2,
      heldBy: [
        { peer: peerId('C'), name: 'C', since: EPOCH + 2000 },
        { peer: peerId('B'), name: 'B', since: EPOCH + 3000 },
      ],
      gaps: [],
    });
  });

  test('what we lack of what members have announced', () => {
    const s = scene();
    s.subject.learn(s.link, op('a', 1, 1, 'x', null));
    tell(s.subject, s.link, member('B', 1000, 'a:1-1 b:1-7'));
    const gap = { peer: peerId('B'), name: 'B', since: EPOCH + 1000, operations: 7 };
    expect(status(s)).toEqual({ standing: 1, heldBy: [], gaps: [gap] });
  });

  test('nothing when there are none', () => {
    const s = scene();
    tell(s.subject, s.link, member('B', 1000, ''));
    expect(status(s)).toEqual({ standing: 0, heldBy: [], gaps: [] });
  });
});
