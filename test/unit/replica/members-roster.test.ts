import { describe, expect, test } from '@jest/globals';
import type { LinkId, PeerId } from '../../../src/base/ids.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { MAX_KEPT_MEMBERS } from '../../../src/replica/member-bounds.js';
import { PUSH_WINDOW_BYTES } from '../../../src/protocol/limits.js';
import type { Link } from '../../../src/protocol/link.js';
import type { Message } from '../../../src/protocol/messages.js';
import { BUCKET, origin, Subject } from './builders.js';
import { down, evicted, known, member, rosterOf, tell } from './members.builders.js';

const names = (subject: Subject, link?: LinkId): string[] =>
  subject.sent('members', link).map(({ records }) =>
    records
      .map(({ name }) => name)
      .sort()
      .join(' '),
  );

const namesOf = (members: readonly { peer: PeerId }[]): string =>
  members.map(({ peer }) => peer[0]).join(' ');

/** A digest of who knows other members. */
const differs = { type: 'digest', round: 1, buckets: [], membersHash: new Uint8Array(16).fill(1) } as const;

/** Two subjects with a link between them that carries what `exchange` takes across. */
function pair(): { left: Subject; right: Subject; exchange: () => number } {
  const left = new Subject();
  const right = new Subject();
  const link = left.meet('R');
  right.meet('L');
  const carry = (from: Subject, to: Subject): number => {
    const messages: Message[] = [...from.sent('members'), ...from.sent('roster')];
    if (messages.length > 0) to.say(link, ...messages);
    return messages.length;
  };
  return { left, right, exchange: () => carry(left, right) + carry(right, left) };
}

describe('rosters', () => {
  test('a new link is asked for its records; the answer is what is newer, perhaps nothing', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    expect(subject.sent('roster', link)).toEqual([rosterOf([])]);
    tell(subject, link, member('B', 5), member('C', 5), evicted(member('D', 5)));
    subject.pass(600);
    subject.clear();
    subject.say(link, rosterOf([member('B', 5), member('C', 4), member('D', 5)]));
    expect(names(subject)).toEqual(['C D']);
    subject.say(link, rosterOf(subject.replica.members.all()));
    expect(names(subject)).toEqual(['']);
    expect(subject.sent('roster')).toEqual([]);
  });

  test('who is behind asks back', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    tell(subject, link, member('B', 5));
    subject.pass(600);
    for (const newer of [member('B', 6), member('C', 1)]) {
      subject.clear();
      subject.say(link, rosterOf([newer]));
      expect(subject.sent('roster', link)).toHaveLength(1);
      subject.pass(600);
    }
  });

  test('who hears by a roster that a member was evicted or is down needs no record for it', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    tell(subject, link, member('B', 5000), member('C', 5000));
    subject.pass(600);
    subject.clear();
    subject.say(link, rosterOf([evicted(member('B', 5000)), down(member('C', 6000)), down(member('D', 1))]));
    expect(known(subject)).toBe('B@5! C@5?');
    // Of the one it has an older announcement, of the other none.
    expect(subject.sent('roster', link)).toHaveLength(1);
  });

  test('a digest with another hash of the members leads to an exchange, an equal one does not', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.pass(600);
    subject.clear();
    const membersHash = subject.replica.members.hash();
    subject.say(link, { type: 'digest', round: 1, buckets: [], membersHash });
    expect(subject.sent('roster')).toEqual([]);
    subject.say(link, { type: 'digest', round: 2, buckets: [], membersHash: new Uint8Array(16).fill(1) });
    expect(subject.sent('roster', link)).toHaveLength(1);
  });

  test('two peers end with the same records', () => {
    const { left, right, exchange } = pair();
    tell(left, 1 as LinkId, member('B', 5000), member('C', 9000), evicted(member('D', 1000)));
    tell(
      right,
      1 as LinkId,
      member('B', 6000),
      evicted(member('C', 8000)),
      member('D', 1000),
      member('E', 2000),
    );
    while (exchange() > 0);
    expect(known(left)).toBe('B@6 C@9 D@1! E@2');
    expect(known(right)).toBe(known(left));
    expect(left.replica.members.hash()).toEqual(right.replica.members.hash());
  });

  test('two that refuse each other’s records do not ask for ever', () => {
    const { left, right, exchange } = pair();
    // Each has taken its record under a clock that ran ahead, the one on the right further.
    left.skew = 3_600_000;
    right.skew = 7_200_000;
    tell(left, 1 as LinkId, member('B', left.skew));
    tell(right, 1 as LinkId, member('C', right.skew));
    right.skew = 0;
    left.now = right.now = 1000;
    left.say(1 as LinkId, rosterOf(right.replica.members.all()));
    let messages = 0;
    for (let more = exchange(); more > 0 && messages < 1000; more = exchange()) messages += more;
    expect(messages).toBeLessThan(10);
    expect([known(left), known(right)]).toEqual(['B@3600', 'C@7200']);
  });

  test('the first one on a link names all, later ones what has changed and has not crossed the link', () => {
    const subject = new Subject();
    const [link, other] = [subject.meet('A'), subject.meet('B')];
    const asked = (): string[] => {
      subject.pass(600);
      subject.clear();
      subject.say(link, differs);
      return subject.sent('roster', link).map(({ full, members }) => `${String(full)} ${namesOf(members)}`);
    };
    tell(subject, other, member('C', 5), member('D', 5));
    expect(asked()).toEqual(['false C D']);
    tell(subject, link, member('E', 5));
    tell(subject, other, member('C', 6));
    expect(asked()).toEqual(['false C']);
    // Now C has crossed as well.
    subject.say(link, rosterOf([member('C', 6)], false));
    subject.say(link, rosterOf([member('D', 4)], false));
    expect(names(subject, link).join()).toContain('D');
    tell(subject, other, member('D', 7));
    expect(asked()).toEqual(['false D']);
    expect(asked()).toEqual(['false ']);
  });

  test('go to one neighbour at a time, as several would tell the same; to the next one after an answer, or none', () => {
    const subject = new Subject({ links: 8, pingTimeoutMs: 1e9 });
    const [a, b, c, d] = ['A', 'B', 'C', 'D'].map((letter) => subject.meet(letter)) as [LinkId, ...LinkId[]];
    const asked = (): LinkId[] =>
      [a, b, c, d].filter(
        (link) => link !== undefined && subject.sent('roster', link).length > 0,
      ) as LinkId[];
    expect(asked()).toEqual([a]);
    // They ask us as well, and know more than we do.
    for (const link of [b, c, d]) subject.say(link as LinkId, rosterOf([member('X', 5)]));
    expect(asked()).toEqual([]);
    tell(subject, b as LinkId, member('B', 5));
    expect(asked()).toEqual([]);
    tell(subject, a, member('X', 5));
    expect(asked()).toEqual([b]);
    subject.take({ kind: 'linkClosed', link: b as LinkId, reason: 'gone' });
    expect(asked()).toEqual([c]);
    // It says nothing.
    subject.pass(1500);
    subject.say(d as LinkId, differs);
    expect(asked()).toEqual([]);
    subject.pass(1000);
    subject.say(d as LinkId, differs);
    expect(asked()).toEqual([d]);
  });

  test('go to all in turn, be there one that never answers and asks for more time again and again', () => {
    const subject = new Subject({ links: 8, pingTimeoutMs: 1e9, antiEntropyMs: [1e8, 1e8] });
    const [silent, ...others] = ['A', 'B', 'C'].map((letter) => subject.meet(letter)) as [
      LinkId,
      ...LinkId[],
    ];
    const asked = new Map<LinkId, number>();
    for (let i = 0; i < 60; i++) {
      subject.clear();
      subject.pass(500);
      // The others say it only at first: they are not asked because they insist.
      for (const link of i < 8 ? [silent, ...others] : [silent]) subject.say(link, differs);
      for (const link of [silent, ...others]) {
        const count = subject.sent('roster', link).length;
        asked.set(link, (asked.get(link) ?? 0) + count);
        if (count > 0 && link !== silent) tell(subject, link);
      }
    }
    expect(asked.get(silent)).toBeGreaterThan(10);
    for (const link of others) expect(asked.get(link)).toBeGreaterThan(1);
  });

  test('go to the next one when the time for an answer is over, without any other cause', () => {
    const subject = new Subject({ links: 8, pingTimeoutMs: 1e9, antiEntropyMs: [1e8, 1e8] });
    const [, waiting] = ['A', 'B'].map((letter) => subject.meet(letter)) as [LinkId, LinkId];
    subject.pass(1999);
    expect(subject.sent('roster', waiting)).toEqual([]);
    subject.pass(1);
    expect(subject.sent('roster', waiting)).toHaveLength(1);
  });

  test('what the other side was told, or has told, it is not told again', () => {
    const subject = new Subject();
    const [link, other] = [subject.meet('A'), subject.meet('B')];
    tell(subject, link, member('C', 5));
    tell(subject, other, member('D', 5), member('E', 5));
    subject.say(link, rosterOf([member('E', 5)]));
    expect(names(subject, link)).toEqual(['C D']);
    subject.say(link, rosterOf([], false));
    expect(names(subject, link)).toEqual(['']);
    // It has begun anew, or has forgotten some to make room for others.
    subject.say(link, rosterOf([]));
    expect(names(subject, link)).toEqual(['C D E']);
  });

  test('all is told anew when nothing has changed and the records differ all the same, at most once a minute', () => {
    const subject = new Subject({ pingTimeoutMs: 1e9 });
    const link = subject.meet('A');
    tell(subject, link, member('B', 5));
    const full: number[] = [];
    for (let second = 1; second <= 150; second++) {
      subject.pass(1000);
      subject.clear();
      subject.say(link, differs);
      if (subject.sent('roster', link)[0]?.full) full.push(second);
    }
    expect(full).toEqual([60, 120]);
  });

  describe('ask for what came as if from the future, as the other side takes it for told', () => {
    const quiet = { pingTimeoutMs: 1e9, antiEntropyMs: [1e8, 1e8] } as const;
    const asked = (subject: Subject, link: LinkId): boolean[] =>
      subject.sent('roster', link).map(({ full }) => full);

    test('once its time has come', () => {
      const subject = new Subject(quiet);
      const link = subject.meet('A');
      tell(subject, link, member('B', 70_000), member('C', 80_000));
      subject.clear();
      subject.pass(9_999);
      expect(asked(subject, link)).toEqual([]);
      subject.pass(1_001);
      expect(asked(subject, link)).toEqual([true]);
      tell(subject, link, member('B', 70_000), member('C', 80_000));
      expect(known(subject)).toBe('B@70');
      subject.pass(10_000);
      expect(asked(subject, link)).toEqual([true]);
      tell(subject, link, member('C', 80_000));
      expect(known(subject)).toBe('B@70 C@80');
      subject.pass(100_000);
      expect(asked(subject, link)).toEqual([]);
    });

    test('or once our clock is set right', () => {
      const subject = new Subject(quiet);
      subject.skew = -3_600_000;
      const [link, other] = [subject.meet('A'), subject.meet('B')];
      tell(subject, link, member('A', 0));
      tell(subject, other);
      subject.pass(10_000);
      subject.clear();
      subject.skew = 0;
      subject.pass(1_000);
      expect([asked(subject, link), asked(subject, other)]).toEqual([[true], []]);
    });

    test('a mark that others have set as well', () => {
      const subject = new Subject(quiet);
      const link = subject.meet('A');
      tell(subject, link, member('B', 0));
      subject.skew = -65_000;
      subject.say(link, rosterOf([{ ...member('B', 0), evictedUpTo: member('B', 4_000).number }], false));
      subject.clear();
      subject.pass(8_000);
      expect(asked(subject, link)).toEqual([]);
      subject.pass(2_000);
      expect(asked(subject, link)).toEqual([true]);
    });

    test('and not all the time where one of two clocks is off', () => {
      const subject = new Subject(quiet);
      const link = subject.meet('A');
      subject.skew = -61_000;
      let full = 0;
      for (let second = 1; second <= 60; second++) {
        tell(subject, link, member('A', subject.now));
        subject.clear();
        subject.pass(1_000);
        full += asked(subject, link).length;
      }
      expect(full).toBe(12);
      expect(known(subject)).toBe('');
    });
  });

  test('a member that was forgotten to make room is told by a full one', () => {
    const subject = new Subject({ links: 8 });
    const link = subject.meet('A');
    const crowd = Array.from({ length: MAX_KEPT_MEMBERS }, (_, n) => ({
      ...member('X', n),
      peer: `${n}`.padStart(21, 'x') as PeerId,
    }));
    tell(subject, link, ...crowd);
    subject.pass(600);
    tell(subject, subject.meet('N'), member('N', 20_000));
    subject.clear();
    subject.say(link, differs);
    expect(subject.sent('roster', link).map(({ full, members }) => [full, members.length])).toEqual([
      [true, MAX_KEPT_MEMBERS],
    ]);
  });

  test('large records come in several messages, and not to who takes none', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    const gaps = Array.from({ length: 2 ** 14 }, (_, i) => [2 * i + 1, 2 * i + 1]).flat();
    const vectors = [[BUCKET, new VersionVector([[origin('a'), gaps]])]] as const;
    for (const letter of 'bcdefgh') tell(subject, link, member(letter, 5, '', { vectors }));
    subject.clear();
    subject.say(link, rosterOf([]));
    expect(names(subject, link).length).toBeGreaterThan(2);
    const { flow } = subject.replica.core.links.get(link) as Link;
    flow.acknowledged = flow.sent - PUSH_WINDOW_BYTES;
    subject.say(link, rosterOf([]));
    expect(names(subject, link)).toEqual([]);
    subject.say(link, { type: 'ack', bytes: flow.sent });
    subject.say(link, rosterOf([]));
    expect(names(subject, link)).not.toEqual([]);
  });

  test('an answer has one end, whatever its last record weighs: the next neighbour is asked only then', () => {
    const { left, right } = pair();
    const gaps = Array.from({ length: 2 ** 14 + 1 }, (_, i) => [2 * i + 1, 2 * i + 1]).flat();
    const vectors = [[BUCKET, new VersionVector([[origin('a'), gaps]])]] as const;
    for (const letter of 'bc') tell(right, 1 as LinkId, member(letter, 5, '', { vectors }));
    right.clear();
    right.say(1 as LinkId, rosterOf([]));
    const answer = right.sent('members');
    const waiting = left.meet('W');
    left.clear();
    const asked = answer.map((message) => {
      left.say(1 as LinkId, message);
      return left.sent('roster', waiting).length;
    });
    expect(asked).toEqual([0, 0, 1]);
    expect(known(left)).toBe('b@0 c@0');
  });

  test('large records asked for again and again come a few times, and later again', () => {
    const subject = new Subject();
    const [link, other] = [subject.meet('A'), subject.meet('B')];
    const gaps = Array.from({ length: 2 ** 14 }, (_, i) => [2 * i + 1, 2 * i + 1]).flat();
    const vectors = [[BUCKET, new VersionVector([[origin('a'), gaps]])]] as const;
    for (const letter of 'bc') tell(subject, link, member(letter, 5, '', { vectors }));
    const { flow } = subject.replica.core.links.get(link) as Link;
    const ask = (): boolean => {
      subject.clear();
      // What was sent is said to have come, be it read or not.
      subject.say(link, { type: 'ack', bytes: flow.sent }, rosterOf([]));
      return subject.sent('members', link).length > 0;
    };
    const answers = Array.from({ length: 20 }, ask);
    expect(answers.filter((isAnswer) => isAnswer).length).toBeLessThan(8);
    subject.say(other, rosterOf([]));
    expect(subject.sent('members', other)).not.toEqual([]);
    subject.pass(1000);
    expect(ask()).toBe(true);
  });
});
