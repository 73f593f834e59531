import { describe, expect, test } from '@jest/globals';
import { RumeurError } from '../../../src/base/errors.js';
import type { LinkId, PeerId } from '../../../src/base/ids.js';
import type { Stamp } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { openLink } from '../../../src/protocol/link.js';
import type { MemberRecord } from '../../../src/protocol/members.js';
import { MAX_ALL_INTERVALS, MAX_KEPT_MEMBERS, weightOf } from '../../../src/replica/member-bounds.js';
import { Turn } from '../../../src/replica/turn.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { BUCKET, EPOCH, helloOf, id, origin, peerId, shown, Subject, vector } from './builders.js';
import { evicted, known, member, tell } from './members.builders.js';

/** A member that nobody has met. */
const made = (n: number, at: number): MemberRecord => ({
  ...member('X', at),
  peer: `${n}`.padStart(21, 'x') as PeerId,
  name: `made up ${n}`,
});

/** As large as one record may be. */
const largest = (letter: string): MemberRecord => {
  const gaps = Array.from({ length: 2 ** 16 }, (_, i) => [2 * i + 1, 2 * i + 1]).flat();
  return member(letter, 5, '', { vectors: [[BUCKET, new VersionVector([[origin('a'), gaps]])]] });
};

const IDS = { peerId: peerId('M'), origin: origin('m') };
const reopened = (storage: MemoryStorage): MemoryStorage =>
  new MemoryStorage(IDS, { snapshot: storage.snapshot(), provenance: 'untouched' });

function crowd(subject: Subject, at: (n: number) => number, change = (record: MemberRecord) => record): void {
  const link = subject.meet('H');
  const list = Array.from({ length: MAX_KEPT_MEMBERS }, (_, n) => change(made(n, at(n))));
  tell(subject, link, ...list);
}

const error = (subject: Subject, target: string): string | undefined => {
  const [reply] = subject.take({ kind: 'evict', request: 1, target }).replies;
  return reply?.outcome instanceof RumeurError ? reply.outcome.code : undefined;
};

describe('what is known of members', () => {
  test('a later announcement takes the place of a former one, an earlier one is no news', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    tell(subject, link, member('B', 5, 'a:1-3'));
    tell(subject, link, member('B', 4, 'a:1-9'));
    expect(subject.replica.members.get(peerId('B'))?.number).toBe(member('B', 5).number);
    const before = subject.replica.members.version;
    tell(subject, link, member('B', 5, 'a:1-3'));
    expect(subject.replica.members.version).toBe(before);
    tell(subject, link, member('B', 6, 'a:1-2'));
    expect(shown(subject.replica.members.get(peerId('B'))?.vectors[0]?.[1] ?? vector(''))).toBe('a:1-2');
  });

  test('is kept in the store', () => {
    const storage = new MemoryStorage({ peerId: peerId('M'), origin: origin('m') });
    const subject = new Subject({}, storage);
    tell(subject, subject.meet('A'), member('B', 5000, 'a:1-3'), evicted(member('C', 7000)));
    const ids = { peerId: peerId('M'), origin: origin('m') };
    const again = new MemoryStorage(ids, { snapshot: storage.snapshot(), provenance: 'untouched' });
    const next = new Subject({}, again);
    expect(known(next)).toBe('B@5 C@7!');
    expect(next.replica.members.hash()).toEqual(subject.replica.members.hash());
  });

  test('an announcement from the future is not taken, and people are told once', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    tell(subject, link, member('B', 60_001, 'a:1-3'));
    tell(subject, link, member('B', 60_002, 'a:1-3'), member('C', 59_000));
    expect(known(subject)).toBe('C@59');
    expect(subject.notes.filter((event) => event === 'member-refused')).toHaveLength(2);
  });

  test('one that was taken while our own clock ran ahead gives way when the clock is set right', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.skew = 3_600_000;
    tell(subject, link, member('B', 3_600_000));
    subject.skew = 0;
    tell(subject, link, member('B', 1000));
    expect(known(subject)).toBe('B@1');
  });

  test('a record of more intervals than any peer has is not taken', () => {
    const subject = new Subject();
    const gaps = Array.from({ length: 2 ** 16 + 1 }, (_, i) => [2 * i + 1, 2 * i + 1]).flat();
    const huge = new VersionVector([[origin('a'), gaps]]);
    tell(subject, subject.meet('A'), member('B', 5, '', { vectors: [[BUCKET, huge]] }), member('C', 6000));
    expect(known(subject)).toBe('C@6');
  });

  test('all together stay bounded: neighbours find room, where the largest of the others had it', () => {
    const { replica, storage } = new Subject({ links: 32 });
    const link = openLink(1 as LinkId, 'in', 'remote', undefined, 0);
    link.hello = helloOf('A');
    replica.core.links.set(link.id, link);
    // Not by messages, of which the encoding would take seconds.
    const turn = new Turn(
      { mono: 0, wall: EPOCH },
      storage,
      replica.core.counters,
      (_, __, ___, cell) => cell,
    );
    const hear = (record: MemberRecord): void => replica.members.take(turn, link, record);
    hear(member('Z', 1, 'a:1-3'));
    for (let n = 0; n < 20; n++) hear(largest(String.fromCharCode('b'.charCodeAt(0) + n)));
    expect(replica.members.size).toBe(16);
    hear(largest('A'));
    expect(replica.members.get(peerId('A'))).toBeDefined();
    expect(replica.members.get(peerId('Z'))).toBeDefined();
    expect(replica.members.size).toBe(16);
    expect(turn.finish(0, undefined).persist?.forgotten).toEqual([peerId('b')]);
  });
});

describe('made-up members', () => {
  test('are bounded and do not push out real ones; neighbours and we ourselves always find room', () => {
    const subject = new Subject({ durable: true, links: 8 });
    const friend = subject.meet('F');
    subject.pass(1);
    tell(subject, friend, member('F', 1000), member('G', 2000));
    crowd(subject, (n) => 10_000 + n);
    expect(subject.replica.members.size).toBe(MAX_KEPT_MEMBERS);
    expect(subject.replica.members.get(peerId('G'))).toBeDefined();
    expect(subject.replica.members.own).toBeDefined();
    tell(subject, friend, member('N', 20_000));
    expect(subject.replica.members.get(peerId('N'))).toBeUndefined();
    const newcomer = subject.meet('N');
    tell(subject, newcomer, member('N', 20_000));
    expect(subject.replica.members.get(peerId('N'))).toBeDefined();
    // The longest silent of those that we have no link to makes room.
    expect(subject.replica.members.get(peerId('G'))).toBeUndefined();
    expect(subject.replica.members.get(peerId('F'))).toBeDefined();
    expect(subject.replica.members.size).toBe(MAX_KEPT_MEMBERS);
  });

  test('a member that was evicted long ago makes room for one that announces itself now', () => {
    const subject = new Subject({ evictAfterMs: 1000 });
    crowd(subject, (n) => n - 5000, evicted);
    const link = subject.meet('A');
    tell(subject, link, evicted(member('B', 0)), member('C', -2000));
    expect(subject.replica.members.get(peerId('B'))).toBeUndefined();
    expect(subject.replica.members.get(peerId('C'))).toBeUndefined();
    tell(subject, link, member('D', 0));
    expect(subject.replica.members.get(peerId('D'))).toBeDefined();
    expect(subject.replica.members.get(made(0, 0).peer)).toBeUndefined();
    expect(subject.replica.members.get(made(1, 0).peer)).toBeDefined();
  });

  test('a store that holds more than are kept is opened with those that count, and the others leave it', () => {
    const storage = new MemoryStorage(IDS);
    const members = Array.from({ length: 2 * MAX_KEPT_MEMBERS }, (_, n) =>
      n % 2 === 0 ? made(n, n) : evicted(made(n, n)),
    );
    storage.commit({ puts: [], vectors: [], floors: [], totals: [], damages: [], members });
    const again = reopened(storage);
    const subject = new Subject({}, again);
    expect(subject.replica.members.size).toBe(MAX_KEPT_MEMBERS);
    expect(subject.replica.members.counted()).toHaveLength(MAX_KEPT_MEMBERS);
    subject.pass(1);
    expect(reopened(again).initial.members).toHaveLength(MAX_KEPT_MEMBERS);
  });

  test('nor is more kept of a store than all records together may hold, and the small ones stay', () => {
    const storage = new MemoryStorage(IDS);
    const many = Array.from({ length: 20 }, (_, n) => largest(String.fromCharCode('b'.charCodeAt(0) + n)));
    const members = [member('Z', 1, 'a:1-3'), ...many, { ...largest('M'), number: 1n as Stamp }];
    storage.commit({ puts: [], vectors: [], floors: [], totals: [], damages: [], members });
    const { replica } = new Subject({}, reopened(storage));
    const weight = [...replica.members.all()].reduce((sum, record) => sum + weightOf(record), 0);
    expect(weight).toBeLessThanOrEqual(MAX_ALL_INTERVALS);
    expect(replica.members.size).toBe(16);
    expect(replica.members.own).toBeDefined();
    expect(replica.members.get(peerId('Z'))).toBeDefined();
  });

  test('one that makes room is forgotten by the store too', () => {
    const storage = new MemoryStorage(IDS);
    const subject = new Subject({ links: 8 }, storage);
    crowd(subject, (n) => 10_000 + n);
    const newcomer = subject.meet('N');
    tell(subject, newcomer, member('N', 20_000));
    const ids = (): PeerId[] => reopened(storage).initial.members.map(({ peer }) => peer);
    expect(ids()).toHaveLength(MAX_KEPT_MEMBERS);
    expect(ids()).toContain(peerId('N'));
    expect(ids()).not.toContain(made(0, 0).peer);
    tell(subject, subject.meet('O'), member('O', 20_000));
    expect(ids()).not.toContain(made(1, 0).peer);
  });
});

describe('evicting by hand', () => {
  test('ends a membership until the member announces itself again', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    tell(subject, link, member('B', 5000));
    subject.clear();
    expect(error(subject, id('B'))).toBeUndefined();
    expect(known(subject)).toBe('B@5!');
    expect(subject.sent('members', link)[0]?.records).toEqual([evicted(member('B', 5000))]);
    tell(subject, link, member('B', 6000));
    expect(known(subject)).toBe('B@6');
    expect(subject.notes).toEqual(
      expect.arrayContaining(['member-joined', 'member-evicted', 'member-returned']),
    );
  });

  test('takes an address as well, also of a peer that was just removed', () => {
    const subject = new Subject({ peers: ['http://b:1'] });
    const link = subject.meet('B', { direction: 'out', url: 'http://b:1' });
    tell(subject, link, member('B', 5000));
    subject.take({ kind: 'removePeer', request: 1, target: 'http://b:1' });
    subject.take({ kind: 'linkClosed', link, reason: 'removed' });
    expect(error(subject, 'http://b:1')).toBeUndefined();
    expect(known(subject)).toBe('B@5!');
  });

  test('who is no member cannot be evicted, nor can we ourselves', () => {
    const subject = new Subject({ durable: true });
    subject.pass(1);
    subject.meet('A', { hello: { url: 'http://a:1' } });
    expect(error(subject, id('Z'))).toBe('NOT_FOUND');
    expect(error(subject, 'http://z:1')).toBe('NOT_FOUND');
    expect(error(subject, 'http://a:1')).toBe('NOT_FOUND');
    expect(error(subject, id('M'))).toBe('ARGUMENT_INVALID');
  });

  test('another peer learns of it, and the evicted one announces itself again', () => {
    const subject = new Subject({ durable: true });
    const link = subject.meet('A');
    subject.pass(1);
    const own = subject.replica.members.own as MemberRecord;
    tell(subject, link, evicted(own));
    expect(known(subject)).toBe('subject@0!');
    subject.pass(5000);
    expect(known(subject)).toBe('subject@5');
  });
});

describe('evicting after a silence', () => {
  const settings = { evictAfterMs: 80_000, pingTimeoutMs: 1e9, antiEntropyMs: [50_000, 50_000] as const };

  test('a member that has announced nothing for evictAfterMs', () => {
    const subject = new Subject(settings);
    const link = subject.meet('A');
    tell(subject, link, member('B', 0), member('C', 30_000));
    subject.pass(79_000);
    expect(known(subject)).toBe('B@0 C@30');
    subject.pass(12_000);
    expect(known(subject)).toBe('B@0! C@30');
    subject.pass(30_000);
    expect(known(subject)).toBe('B@0! C@30!');
  });

  test('not one that we are linked to, nor by who has only begun to listen', () => {
    const subject = new Subject(settings);
    const link = subject.meet('A');
    subject.pass(205_000);
    tell(subject, link, member('A', 0), member('B', 0));
    subject.pass(9_000);
    expect(known(subject)).toBe('A@0 B@0');
    subject.pass(20_000);
    expect(known(subject)).toBe('A@0 B@0!');
  });

  test('not by a peer whose clock is off', () => {
    const subject = new Subject({ ...settings, pingMs: 1e9 });
    const links = ['A', 'B'].map((letter) => subject.meet(letter, { hello: { clock: EPOCH - 200_000 } }));
    for (const link of links) tell(subject, link, member('C', -200_000));
    subject.pass(60_000);
    expect(known(subject)).toBe('C@-200');
  });

  test('a record is kept for as long as the store, so that a restart forgets no eviction', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    tell(subject, link, evicted(member('B', 5000)));
    tell(subject, link, member('B', 4000), member('B', 5000));
    expect(known(subject)).toBe('B@5!');
  });
});
