import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../../src/base/ids.js';
import { type Round, findingOf } from '../../../../src/replica/links/probes.js';
import { peerId } from '../builders.js';
import { down, member, rosterOf, tell } from '../members.builders.js';
import { Neighbourhood, X } from './neighbourhood.js';

/** X is a member, and this is what others were told of it since. */
class Town extends Neighbourhood {
  constructor(...letters: string[]) {
    super(...letters);
    tell(this.subject, this.x, member('X', 0));
    this.subject.clear();
  }

  get isAnnounced(): boolean {
    return this.subject.replica.members.isDown(X);
  }

  get marksTold(): number {
    return this.others.filter((link) =>
      this.subject.sent('roster', link).some(({ members }) => members.some(({ downUpTo }) => downUpTo > 0n)),
    ).length;
  }
}

/** The same, but we have dialled X. */
class DialledTown extends Town {
  protected override meetX(): LinkId {
    this.subject.say(this.subject.meet('Y'), {
      type: 'peers',
      addresses: [{ url: 'http://x:1', id: X, name: 'X' }],
    });
    this.subject.pass(0);
    return this.subject.meet('X', { direction: 'out', url: 'http://x:1', hello: { url: 'http://x:1' } });
  }
}

describe('a neighbour that is asked', () => {
  const since = 100;
  const round = (heardAt: readonly number[], answers = heardAt.length): Round => ({
    id: 1,
    peer: X,
    askedAt: 0,
    waiting: new Set(),
    answers,
    heardAt: [...heardAt],
  });

  test.each([
    ['nobody', round([]), { kind: 'unanswered' }],
    ['those who do not know the peer', round([], 3), { kind: 'unknown' }],
    ['one who hears it', round([150], 3), { kind: 'heard', heardAt: 150 }],
    ['one who does not', round([50], 3), { kind: 'silent', witnesses: 1 }],
    ['two of two opinions', round([150, 50]), { kind: 'split' }],
    ['two of one', round([160, 150]), { kind: 'heard', heardAt: 150 }],
    ['three, one of whom lies that it lives', round([50, 200, 60]), { kind: 'silent', witnesses: 3 }],
    ['three, one of whom lies that it does not', round([150, 0, 160]), { kind: 'heard', heardAt: 150 }],
  ])('the answers of %s', (_, answers, finding) => {
    expect(findingOf(answers, since)).toEqual(finding);
  });

  test('confirms that a peer is down when it was linked to it, not when it does not know it', () => {
    for (const [heardMsAgo, isAnnounced] of [
      [null, false],
      [14_000, true],
    ] as const) {
      const town = new Town('A', 'B', 'C');
      town.lose();
      town.pass(20_000, () => heardMsAgo);
      // For us it is down in either case.
      expect([town.isSuspect, town.isDown]).toEqual([false, true]);
      expect([town.isAnnounced, town.marksTold]).toEqual([isAnnounced, isAnnounced ? 3 : 0]);
      expect(town.subject.notes.includes('peer-down')).toBe(isAnnounced);
    }
  });

  test('need not know it, where dials have found it before and nothing answers now', () => {
    const town = new DialledTown('A', 'B');
    town.lose();
    town.pass(20_000, () => null);
    expect([town.isAnnounced, town.marksTold]).toEqual([true, 2]);
  });

  test('and lies that it hears the peer decides nothing while others know better', () => {
    const town = new Town('A', 'B', 'C');
    const [liar] = town.others;
    const answer = (link: LinkId): number => (link === liar ? 0 : town.subject.now);
    // Its link is silent: it is not closed for one word.
    town.pass(14_900, answer);
    expect([town.isSuspect, town.subject.closes]).toEqual([true, []]);
    town.lose();
    town.pass(5_000, answer);
    expect(town.isAnnounced).toBe(true);
  });

  test('one of two that contradict each other decides nothing, and they are not asked without a pause', () => {
    const town = new Town('A', 'B');
    const [liar] = town.others;
    town.lose();
    let asked = 0;
    town.pass(60_000, (link) => {
      asked++;
      return link === liar ? 0 : 14_000;
    });
    expect([town.isSuspect, town.isAnnounced]).toEqual([true, false]);
    expect(asked).toBeLessThan(40);
  });
});

describe('of a death the log tells in one line', () => {
  const deathsTold = ({ subject }: Town): string[] => subject.told.filter((line) => line.includes('is down'));

  test('when we find it out', () => {
    const town = new Town('A', 'B', 'C');
    town.lose();
    town.pass(20_000, () => 14_000);
    expect(deathsTold(town)).toEqual([
      'X is down: silent for 15 s, neighbours that were linked to it have not heard it either; tombstones wait for it',
    ]);
  });

  test('when others did before, and have forgotten when they heard it', () => {
    const town = new DialledTown('A', 'B', 'C');
    const [a] = town.others as [LinkId];
    town.lose();
    town.pass(14_000, () => 13_000);
    town.subject.say(a, rosterOf([down(member('X', 0))], false));
    town.pass(6_000, () => null);
    expect([town.isSuspect, town.isDown]).toEqual([false, true]);
    expect(deathsTold(town)).toEqual(['member X is down: tombstones wait for it']);
  });
});

describe('a verdict of our own', () => {
  const alone = (): Town => {
    const town = new Town('A');
    town.lose();
    town.pass(20_000, () => null);
    expect([town.isDown, town.isAnnounced]).toEqual([true, false]);
    return town;
  };

  test('ends with the next announcement of the peer, whoever tells it, not with a former one', () => {
    const town = alone();
    const [a] = town.others as [LinkId];
    tell(town.subject, a, member('X', 0));
    expect(town.isDown).toBe(true);
    tell(town.subject, a, member('X', 21_000));
    expect(town.isDown).toBe(false);
  });

  test('gives way to that of others', () => {
    const town = alone();
    const [a] = town.others as [LinkId];
    town.subject.say(a, rosterOf([down(member('X', 0))], false));
    tell(town.subject, a, member('X', 21_000));
    expect(town.isDown).toBe(false);
  });

  test('ends after four times pingTimeoutMs', () => {
    const town = alone();
    town.pass(50_000);
    expect(town.isDown).toBe(true);
    town.pass(10_000);
    expect(town.isDown).toBe(false);
  });

  test('of very many the oldest are forgotten', () => {
    const town = new Town('A');
    const { subject } = town;
    for (let i = 0; i < 1_100; i++) {
      const peer = `p${i}`.padStart(21, 'p') as typeof X;
      subject.take({ kind: 'linkClosed', link: subject.meet('P', { hello: { peer } }), reason: 'broken' });
    }
    const first = 'p0'.padStart(21, 'p') as typeof X;
    const last = 'p1099'.padStart(21, 'p') as typeof X;
    expect([first, last].map((peer) => subject.replica.liveness.isSuspect(peer))).toEqual([false, true]);
    expect(subject.replica.liveness.isSuspect(peerId('A'))).toBe(false);
  });
});
