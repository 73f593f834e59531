import { describe, expect, test } from '@jest/globals';
import type { LinkId, PeerId } from '../../../src/base/ids.js';
import type { MemberRecord } from '../../../src/protocol/members.js';
import type { Step } from '../../../src/replica/step.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { BUCKET, EPOCH, op, origin, peerId, shown, Subject } from './builders.js';
import { down, member, rosterOf, tell } from './members.builders.js';

const covered = (record: MemberRecord | undefined): string =>
  shown(record?.vectors.find(([name]) => name === BUCKET)?.[1] ?? new Subject().bucket.vector);

/** What the subject has announced of itself since the last look. */
const announced = (subject: Subject, link?: LinkId): string[] =>
  subject.sent('members', link).flatMap(({ records }) => records.map((record) => covered(record)));

describe('announcements', () => {
  test('a durable peer announces itself at the start, to every neighbour', () => {
    const subject = new Subject({ durable: true, name: 'paris' });
    const links = [subject.meet('A'), subject.meet('B')];
    subject.pass(0);
    for (const link of links) expect(subject.sent('members', link).at(-1)?.records[0]?.name).toBe('paris');
    expect(subject.replica.members.own?.origins).toEqual([origin('m')]);
  });

  test('a peer whose store is lost with it announces nothing', () => {
    const subject = new Subject({ durable: false });
    const link = subject.meet('A');
    subject.write(['k', 'v']);
    subject.pass(12_000);
    expect(announced(subject, link)).toEqual([]);
    expect(subject.replica.members.size).toBe(0);
  });

  test('what changed is announced, at most once in announceMs, with a greater number', () => {
    const subject = new Subject({ durable: true });
    const link = subject.meet('A');
    subject.pass(0);
    const first = subject.replica.members.own as MemberRecord;
    subject.clear();
    subject.pass(5000);
    expect(announced(subject, link)).toEqual([]);
    subject.write(['k', 'v'], ['l', 'v']);
    subject.pass(4999);
    expect(announced(subject, link)).toEqual([]);
    subject.write(['k', 'w']);
    subject.pass(1);
    expect(announced(subject, link)).toEqual(['m:1-3']);
    expect((subject.replica.members.own as MemberRecord).number > first.number).toBe(true);
    expect(subject.replica.members.own?.origins).toEqual([origin('m')]);
  });

  test('are rarer where all of them together would be too much, but not what others have to know', () => {
    const subject = new Subject({ durable: true, pingTimeoutMs: 1e9, antiEntropyMs: [1e8, 1e8] });
    const link = subject.meet('A');
    const peers = Array.from({ length: 1000 }, (_, n) => `${n}`.padStart(21, 'x') as PeerId);
    tell(subject, link, ...peers.map((peer) => ({ ...member('X', 1), peer })));
    for (const peer of peers) subject.bucket.vector.add(peer as never, 1, 1);
    subject.pass(1);
    const times: number[] = [];
    for (let i = 0; i < 420; i++) {
      subject.write(['k', `${i}`]);
      subject.clear();
      subject.pass(2500);
      if (subject.sent('members', link).length > 0) times.push(subject.now);
    }
    // 1,001 times about 8 kB at 16 KiB a second; looked at every 5 s.
    expect(times).toHaveLength(2);
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(480_000);
    expect((times[1] as number) - (times[0] as number)).toBeLessThanOrEqual(510_000);
    // Nor are tombstones looked at more often than that is worth: with pings and shuffles this is all that wakes a peer.
    subject.write(['k', null]);
    subject.pass(60_000, 30);
    subject.clear();
    subject.say(link, rosterOf([down(subject.replica.members.own as MemberRecord)], false));
    subject.pass(1000);
    expect(announced(subject, link)).toHaveLength(1);
  });

  test('without news often enough that nobody takes the peer for gone', () => {
    const subject = new Subject({ durable: true, evictAfterMs: 80_000, pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    subject.pass(1);
    subject.clear();
    subject.pass(40_000);
    expect(announced(subject, link)).toHaveLength(4);
  });

  test('count for less while our clock lags behind, and go above all former ones at once when it is set right', () => {
    const subject = new Subject({ durable: true, pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    subject.skew = 20_000;
    subject.pass(1);
    const ahead = (subject.replica.members.own as MemberRecord).number;
    subject.skew = -3_600_000;
    subject.pass(5000);
    const late = (subject.replica.members.own as MemberRecord).number;
    expect(late < ahead).toBe(true);
    subject.skew = 0;
    subject.clear();
    subject.pass(5000);
    expect(subject.replica.members.own?.number).toBe(ahead + 1n);
    expect(announced(subject, link)).toEqual(['']);
    subject.pass(60_000);
    expect(announced(subject, link)).toEqual([]);
  });

  test('that we made before our clock lagged behind are ours: who tells them makes nothing up', () => {
    const subject = new Subject({ durable: true, pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    subject.skew = 20_000;
    subject.pass(1);
    const ahead = subject.replica.members.own as MemberRecord;
    subject.skew = -3_600_000;
    subject.pass(5000);
    subject.skew = 0;
    subject.clear();
    for (let i = 0; i < 3; i++) tell(subject, link, ahead);
    subject.pass(1000);
    expect(subject.replica.members.own?.number).toBe(ahead.number + 1n);
    expect(announced(subject, link)).toEqual(['']);
    expect([subject.notes.includes('own-record'), subject.closes]).toEqual([false, []]);
    tell(subject, link, member('M', 30_000));
    expect(subject.notes).toContain('own-record');
  });

  test('never before it is on the disk, and then as it was when the flush began', () => {
    const storage = new MemoryStorage({ peerId: peerId('M'), origin: origin('m') });
    const { replica } = new Subject({ durable: true }, storage);
    const at = (mono: number): { mono: number; wall: number } => ({ mono, wall: EPOCH + mono });
    const take = (step: Step): Step => {
      if (step.persist) storage.commit(step.persist);
      return step;
    };
    const op1 = { key: 'k', value: Buffer.from('1') };
    take(replica.handle({ kind: 'writes', writes: [{ request: 1, bucket: BUCKET, ops: [op1] }] }, at(0)));
    const { flushMark } = take(replica.handle({ kind: 'wake' }, at(0)));
    if (flushMark === undefined) throw new Error('no flush was asked for');
    take(replica.handle({ kind: 'writes', writes: [{ request: 2, bucket: BUCKET, ops: [op1] }] }, at(6000)));
    expect(take(replica.handle({ kind: 'wake' }, at(12_000))).flushMark).toBeUndefined();
    take(replica.handle({ kind: 'flushed', mark: flushMark + 1 }, at(12_000)));
    expect(replica.members.own).toBeUndefined();
    const told = take(replica.handle({ kind: 'flushed', mark: flushMark }, at(12_001)));
    expect(covered(replica.members.own)).toBe('m:1-1');
    expect(told.persist?.members).toEqual([replica.members.own]);
    take(replica.handle({ kind: 'flushed', mark: flushMark }, at(12_002)));
    expect(take(replica.handle({ kind: 'wake' }, at(17_001))).flushMark).toBe(flushMark + 1);
  });

  test('wait for another flush when something was uncovered under way: what is covered again may not be on the disk', () => {
    const storage = new MemoryStorage({ peerId: peerId('M'), origin: origin('m') });
    const subject = new Subject({ durable: true }, storage);
    const link = subject.meet('A');
    subject.learn(link, op('a', 1, 1, 'x'), op('a', 2, 2, 'y'));
    const step = subject.replica.handle({ kind: 'wake' }, { mono: 0, wall: EPOCH });
    if (step.persist) storage.commit(step.persist);
    subject.replica.core.counters.uncoverings++;
    subject.take({ kind: 'flushed', mark: step.flushMark ?? 0 });
    expect(subject.replica.members.own).toBeUndefined();
    subject.take({ kind: 'wake' });
    expect(covered(subject.replica.members.own)).toBe('a:1-2');
  });
});

describe('a store that was restored from an older copy', () => {
  test('goes above what its former self announced, and keeps its origins', () => {
    const subject = new Subject({ durable: true });
    const link = subject.meet('A');
    subject.pass(0);
    const former = member('M', 50_000, 'm:1-9 a:1-4', { origins: [origin('q'), origin('p')] });
    tell(subject, link, former);
    expect(covered(subject.replica.members.own)).toBe('a:1-4 m:1-9');
    subject.clear();
    subject.pass(5000);
    const own = subject.replica.members.own as MemberRecord;
    expect(own.number).toBe(former.number + 1n);
    expect(covered(own)).toBe('');
    expect(own.origins).toEqual([origin('m'), origin('q'), origin('p')]);
    expect(announced(subject, link)).toEqual(['']);
    expect(subject.notes).toContain('own-record');
  });

  test('names at most 8 origins, the present one first', () => {
    const subject = new Subject({ durable: true });
    const link = subject.meet('A');
    tell(
      subject,
      link,
      member('M', 1, '', { origins: ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map(origin) }),
    );
    subject.pass(0);
    expect(subject.replica.members.own?.origins).toEqual(
      ['m', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(origin),
    );
  });

  test('a number of ours from a clock that ran ahead is given up', () => {
    const storage = new MemoryStorage({ peerId: peerId('M'), origin: origin('m') });
    const members = [member('M', 3_600_000, 'm:1-1')];
    storage.commit({ puts: [], vectors: [], floors: [], totals: [], damages: [], members });
    const ids = { peerId: peerId('M'), origin: origin('m') };
    const again = new MemoryStorage(ids, { snapshot: storage.snapshot(), provenance: 'untouched' });
    const subject = new Subject({ durable: true }, again);
    subject.pass(0);
    expect(subject.replica.members.own?.number).toBe(member('M', 0).number);
  });
});
