import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import { type Stamp, stampAt } from '../../../src/data/stamp.js';
import type { MemberRecord } from '../../../src/protocol/members.js';
import type { Message } from '../../../src/protocol/messages.js';
import { Turn } from '../../../src/replica/turn.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { BUCKET, EPOCH, origin, peerId, shown, Subject, vector } from './builders.js';
import { down, known, member, rosterOf, tell } from './members.builders.js';

const PATIENT = { pingTimeoutMs: 1e9, antiEntropyMs: [1e8, 1e8] } as const;

/** The failure detector of this peer has found that member `letter` is down; gives what was sent to each link. */
function markDown(subject: Subject, letter: string, links: readonly LinkId[] = []): string[] {
  const { replica, storage, now } = subject;
  const turn = new Turn(
    { mono: now, wall: EPOCH + now },
    storage,
    replica.core.counters,
    (_, __, ___, c) => c,
  );
  replica.members.markDown(turn, peerId(letter));
  const { sends, persist } = turn.finish(0, undefined);
  if (persist) storage.commit(persist);
  return links.map((link) => `${sends.filter((sent) => sent.link === link).length}`);
}

/** What is in the store of this subject, for the next process. */
const reopened = ({ storage }: Subject): MemoryStorage => {
  const ids = { peerId: peerId('M'), origin: origin('m') };
  return new MemoryStorage(ids, { snapshot: storage.snapshot(), provenance: 'untouched' });
};

const own = (subject: Subject): MemberRecord => subject.replica.members.own as MemberRecord;
const announcements = (subject: Subject, link: LinkId): MemberRecord[] =>
  subject.sent('members', link).flatMap(({ records }) => records.filter(({ peer }) => peer === peerId('M')));

describe('a member that was found to be down', () => {
  test('is so for us and all neighbours at once, is waited for all the same, and is stored', () => {
    const subject = new Subject(PATIENT);
    const links = [subject.meet('A'), subject.meet('B')];
    tell(subject, links[0] as LinkId, member('C', 5000, 'a:1-3'));
    expect(subject.replica.members.isDown(peerId('C'))).toBe(false);
    expect(markDown(subject, 'C', links)).toEqual(['1', '1']);
    expect(known(subject)).toBe('C@5?');
    expect(subject.replica.members.isDown(peerId('C'))).toBe(true);
    const announced = [...subject.replica.members.announced(BUCKET)].map(([, covered]) => shown(covered));
    expect(announced).toEqual(['a:1-3']);
    expect(known(new Subject({}, reopened(subject)))).toBe('C@5?');
    // Once is enough; and who is no member, or we ourselves, cannot be.
    for (const letter of ['C', 'D', 'M']) expect(markDown(subject, letter, links)).toEqual(['0', '0']);
    tell(subject, links[0] as LinkId, member('C', 6000));
    expect(known(subject)).toBe('C@6');
    expect(subject.notes.slice(-1)).toEqual(['member-up']);
  });

  test('hears of it from a neighbour that is told so, and that has a link to it', () => {
    const subject = new Subject(PATIENT);
    const [link, subjectOfIt] = [subject.meet('A'), subject.meet('C')];
    tell(subject, subjectOfIt, member('C', 5000));
    subject.clear();
    subject.say(link, rosterOf([down(member('C', 5000))], false));
    expect(subject.sent('roster', subjectOfIt)).toEqual([rosterOf([down(member('C', 5000))], false)]);
    expect(subject.sent('roster', link)).toEqual([]);
  });
});

test('a mark is no word of the member itself: it is as silent as before', () => {
  const subject = new Subject(PATIENT);
  const link = subject.meet('A');
  const heardAt = (): number | undefined => subject.replica.members.heardAt(peerId('C'));
  tell(subject, link, member('C', 1000));
  subject.now = 2000;
  subject.say(link, rosterOf([down(member('C', 1000))], false));
  expect([known(subject), heardAt()]).toEqual(['C@1?', 0]);
  tell(subject, link, member('C', 2000));
  expect(heardAt()).toBe(2000);
});

describe('who hears that it is down itself', () => {
  test('announces itself above that at once, and ever more rarely while that goes on, until it is left alone', () => {
    const subject = new Subject({ ...PATIENT, durable: true });
    const link = subject.meet('A');
    subject.pass(3000);
    subject.clear();
    subject.say(link, rosterOf([down(own(subject))], false));
    expect(known(subject)).toBe('subject@0?');
    subject.pass(0);
    expect(known(subject)).toBe('subject@3');
    expect(announcements(subject, link)).toEqual([own(subject)]);
    const slander = (): number[] => {
      const [begin, times]: [number, number[]] = [subject.now, []];
      while (subject.now < begin + 20_000) {
        subject.say(link, rosterOf([down(own(subject))], false));
        subject.pass(50);
        if (announcements(subject, link).length > 0) times.push((subject.now - begin) / 1000);
      }
      return times;
    };
    // After 2, 4 and from then on 5 s, which is `announceMs`.
    expect(slander()).toEqual([2, 6, 11, 16]);
    subject.pass(15_000);
    expect(slander()).toEqual([0.05, 2, 6, 11, 16]);
  });

  test('takes a mark that lies ahead for one of its announcement, and none from the far future', () => {
    const subject = new Subject({ ...PATIENT, durable: true });
    const link = subject.meet('A');
    subject.pass(3000);
    const ahead = stampAt(EPOCH + 40_000);
    const { number } = own(subject);
    subject.say(link, rosterOf([{ ...own(subject), downUpTo: (ahead << 1n) as Stamp }], false));
    expect(known(subject)).toBe('subject@0');
    subject.say(link, rosterOf([{ ...own(subject), downUpTo: ahead }], false));
    expect(own(subject).downUpTo).toBe(number);
    subject.pass(0);
    expect(known(subject)).toBe('subject@3');
  });
});

describe('marks without end', () => {
  const written = (subject: Subject, link: LinkId, message: Message): number =>
    subject.say(link, message).persist?.members.length ?? 0;
  /** The record of C, marked to have been evicted up to `at`. */
  const evictedUpTo = (at: number): MemberRecord => ({ ...member('C', 0), evictedUpTo: stampAt(EPOCH + at) });

  test('of a member that is down write nothing, however far ahead they lie', () => {
    const subject = new Subject(PATIENT);
    const link = subject.meet('A');
    tell(subject, link, member('C', 5000));
    const rows = Array.from({ length: 20 }, (_, i) => {
      const said = { ...member('C', 0), downUpTo: stampAt(EPOCH + 6000 + i) };
      const isRoster = i % 2 === 0;
      return written(
        subject,
        link,
        isRoster ? rosterOf([said], false) : { type: 'members', records: [said] },
      );
    });
    // What comes as a record counts as of its own number.
    expect(rows).toEqual([1, ...Array.from({ length: 19 }, () => 0)]);
    expect(subject.replica.members.get(peerId('C'))?.downUpTo).toBe(stampAt(EPOCH + 5000));
  });

  test('write each time a little message comes as many records as are kept, and then few', () => {
    const subject = new Subject(PATIENT);
    const link = subject.meet('A');
    tell(subject, link, member('C', 10));
    let rows = 0;
    for (let i = 0; i < 1100; i++) {
      const said = evictedUpTo(i + 1);
      const isRoster = i % 2 === 0;
      rows += written(
        subject,
        link,
        isRoster ? rosterOf([said], false) : { type: 'members', records: [said] },
      );
    }
    expect(rows).toBe(1024);
    subject.pass(1000);
    expect(written(subject, link, rosterOf([evictedUpTo(2000)], false))).toBe(1);
    // Whoever else says so is heard.
    expect(written(subject, subject.meet('B'), rosterOf([evictedUpTo(2001)], false))).toBe(1);
    // And so is the member itself.
    tell(subject, subject.meet('C'), member('C', 9000));
    expect(known(subject)).toBe('C@9');
  });

  test('of a later announcement than is known wait for it, and two peers end alike', () => {
    const [left, right] = [new Subject(PATIENT), new Subject(PATIENT)];
    const link = left.meet('R');
    right.meet('L');
    tell(left, link, down(member('C', 5000)));
    tell(right, link, down(member('C', 6000)));
    left.clear();
    left.say(link, rosterOf(right.replica.members.all(), false));
    expect(left.replica.members.get(peerId('C'))?.downUpTo).toBe(stampAt(EPOCH + 5000));
    tell(left, link, member('C', 6000));
    expect(known(left)).toBe('C@6');
    left.say(link, rosterOf(right.replica.members.all(), false));
    expect(known(left)).toBe('C@6?');
    expect(left.replica.members.hash()).toEqual(right.replica.members.hash());
  });
});

describe('a record that somebody else has raised', () => {
  test('of a peer that we are linked to is not believed; what others decide about it is', () => {
    const subject = new Subject(PATIENT);
    const [liar, victim] = [subject.meet('L'), subject.meet('V')];
    tell(subject, victim, member('V', 5000, 'a:1-3'));
    tell(subject, liar, { ...member('V', 9000, 'a:1-9'), downUpTo: stampAt(EPOCH + 1) });
    expect(known(subject)).toBe('V@5');
    expect(subject.replica.members.get(peerId('V'))?.downUpTo).toBe(stampAt(EPOCH + 1));
    // Nor before the victim has said anything.
    tell(subject, liar, member('W', 1000));
    subject.meet('W');
    tell(subject, liar, member('W', 2000));
    expect(known(subject)).toBe('V@5 W@1');
    tell(subject, victim, member('V', 6000));
    expect(known(subject)).toBe('V@6 W@1');
  });

  test('of ourselves is named, answered at once by a greater number, and ends the link of who does it on and on', () => {
    const subject = new Subject({ ...PATIENT, durable: true });
    const [liar, friend] = [subject.meet('L'), subject.meet('F')];
    subject.pass(3000);
    for (const letter of ['p', 'q']) {
      const said = subject.notes.length;
      const raised = { ...own(subject), number: stampAt(EPOCH + subject.now + 500), name: letter };
      tell(subject, liar, raised);
      if (letter === 'p') expect(subject.notes.slice(said)).toContain('own-record');
      subject.clear();
      subject.pass(1000);
      expect(announcements(subject, friend)).toMatchObject([
        { name: 'subject', vectors: own(subject).vectors },
      ]);
      expect(own(subject).number > raised.number).toBe(true);
      // The friend has heard the same meanwhile, and tells it in good faith.
      tell(subject, friend, raised);
      expect(subject.closes).toEqual([]);
    }
    // The same number with other content is no better.
    tell(subject, liar, { ...own(subject), vectors: [[BUCKET, vector('z:1-9')]] });
    subject.pass(0);
    expect(subject.closes).toEqual([liar]);
  });

  test('of ourselves by who is not durable, and so never announces itself, harms nobody', () => {
    const subject = new Subject({ ...PATIENT, durable: false });
    const link = subject.meet('L');
    tell(subject, link, member('M', 1000));
    subject.pass(5000);
    expect(announcements(subject, link)).toEqual([]);
    expect(subject.closes).toEqual([]);
  });
});

describe('the address of a member', () => {
  const at = (url: string | null): Partial<MemberRecord> => ({ url });

  test('is learned from its record, if it may be of use', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    tell(subject, link, member('B', 5, '', at('http://b:1')), member('C', 5, '', at(null)));
    tell(subject, link, member('D', 5, '', at('not an address')), member('M', 5, '', at('http://m:1')));
    const addresses = [...subject.replica.core.addresses.active()].map(({ record }) => record);
    expect(addresses).toEqual([{ url: 'http://b:1', id: peerId('B'), name: 'B', source: 'gossip' }]);
    expect(subject.replica.members.get(peerId('B'))?.url).toBe('http://b:1');
  });

  test('is not, without discovery or of who was evicted', () => {
    const alone = new Subject({ discovery: false });
    tell(alone, alone.meet('A'), member('B', 5, '', at('http://b:1')));
    const subject = new Subject();
    const gone = { ...member('B', 5, '', at('http://b:1')), evictedUpTo: stampAt(EPOCH + 5) };
    tell(subject, subject.meet('A'), gone);
    for (const { replica } of [alone, subject]) expect([...replica.core.addresses.active()]).toEqual([]);
  });

  test('of our own is announced, and anew by a peer that has moved', () => {
    const subject = new Subject({ ...PATIENT, durable: true });
    subject.pass(1);
    expect(own(subject).url).toBe('http://subject:1');
    const moved = new Subject({ ...PATIENT, durable: true, url: 'http://moved:1' }, reopened(subject));
    moved.now = 5000;
    moved.pass(1);
    expect(own(moved)).toEqual({ ...own(subject), url: 'http://moved:1', number: own(moved).number });
    expect(own(moved).number > own(subject).number).toBe(true);
  });
});
