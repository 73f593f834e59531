import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BucketName, LinkId, PeerId, SessionId } from '../../../src/base/ids.js';
import {
  judgeHello,
  type Link,
  openLink,
  policyMismatches,
  rivalsToClose,
  type Self,
  youngest,
} from '../../../src/protocol/link.js';
import type { Hello } from '../../../src/protocol/messages.js';

const LOW = 'A'.repeat(21) as PeerId;
const HIGH = 'B'.repeat(21) as PeerId;
const NOW = 's'.repeat(21) as SessionId;
const BEFORE = 'r'.repeat(21) as SessionId;

function hello(peer: PeerId, session = NOW): Hello {
  return {
    type: 'hello',
    protocol: [1, 1],
    cluster: 'c',
    peer,
    session,
    name: 'name',
    url: null,
    clock: 0,
    version: '1',
    buckets: [],
    links: 0,
    crowd: 0,
  };
}

let lastLink = 0;
function linkTo(peer: PeerId, direction: 'in' | 'out', openedAt: number, session = NOW): Link {
  const link = openLink(++lastLink as LinkId, direction, 'remote', undefined, openedAt);
  link.hello = hello(peer, session);
  return link;
}

/** What one side keeps of links whose handshakes finish there in this order. */
function keeps(self: PeerId, links: readonly Link[]): Link[] {
  let open: Link[] = [];
  for (const link of links) {
    const losers = rivalsToClose(link, open, self);
    open = [...open, link].filter((l) => !losers.includes(l));
  }
  return open;
}

describe('two links to one peer', () => {
  test('both sides keep the same one, whichever handshake each sees finish first', () => {
    const age = fc.constantFrom(0, 1, 40, 4_999, 5_001, 60_000);
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), age, fc.boolean(), (lowDialsFirst, alike, gap, crossed) => {
        const second = alike ? lowDialsFirst : !lowDialsFirst;
        const sides = ([LOW, HIGH] as const).map((self, side) => {
          const other = self === LOW ? HIGH : LOW;
          const out = (byLow: boolean): 'in' | 'out' => (byLow === (self === LOW) ? 'out' : 'in');
          const links = [linkTo(other, out(lowDialsFirst), 1000), linkTo(other, out(second), 1000 + gap)];
          // Handshakes may finish in another order on the other side, if the links are of about the same age.
          const order = crossed && side === 1 && gap < 5_000 ? [...links].reverse() : links;
          return keeps(self, order).map((link) => links.indexOf(link));
        });
        if (!alike) {
          expect(sides[0]).toHaveLength(1);
          expect(sides[0]).toEqual(sides[1]);
        } else {
          // Dialled twice by one side: that side keeps one, the other leaves it to it.
          expect(sides[lowDialsFirst ? 0 : 1]).toHaveLength(1);
          expect(sides[lowDialsFirst ? 1 : 0]).toHaveLength(2);
        }
      }),
    );
  });

  test('of dials that cross, that of the lower id stays', () => {
    const [mine, theirs] = [linkTo(HIGH, 'out', 0), linkTo(HIGH, 'in', 10)];
    expect(keeps(LOW, [mine, theirs])).toEqual([mine]);
    expect(keeps(LOW, [theirs, mine])).toEqual([mine]);
  });

  test('a dial long after the first link replaces it: the other side has lost it', () => {
    const [old, fresh] = [linkTo(HIGH, 'out', 0), linkTo(HIGH, 'in', 60_000)];
    expect(keeps(LOW, [old, fresh])).toEqual([fresh]);
  });

  test('a new session replaces the links of the former', () => {
    for (const [a, b] of [
      ['in', 'in'],
      ['out', 'in'],
      ['in', 'out'],
      ['out', 'out'],
    ] as const) {
      const [old, fresh] = [linkTo(HIGH, a, 0, BEFORE), linkTo(HIGH, b, 1)];
      expect(keeps(LOW, [old, fresh])).toEqual([fresh]);
    }
  });

  test('the youngest carries gossip', () => {
    const links = [linkTo(HIGH, 'in', 5), linkTo(HIGH, 'in', 9), linkTo(HIGH, 'in', 7)];
    expect(youngest(links)).toBe(links[1]);
    expect(youngest([])).toBeUndefined();
  });
});

describe('judging a hello', () => {
  const self: Self = { peer: LOW, session: NOW, cluster: 'c', protocol: [2, 3] };
  const judge = (change: Partial<Hello>): ReturnType<typeof judgeHello> =>
    judgeHello({ ...hello(HIGH), protocol: [3, 5], ...change }, self);

  test('a peer that speaks one of our versions, of our cluster', () => {
    expect(judge({})).toEqual({ accept: true });
    expect(judge({ protocol: [1, 2] })).toEqual({ accept: true });
  });

  test('versions that do not overlap, other clusters', () => {
    expect(judge({ protocol: [4, 9] })).toMatchObject({
      accept: false,
      self: false,
      code: 'PROTOCOL_MISMATCH',
    });
    expect(judge({ protocol: [1, 1] })).toMatchObject({ code: 'PROTOCOL_MISMATCH' });
    expect(judge({ cluster: 'd' })).toMatchObject({ code: 'CLUSTER_MISMATCH', self: false });
  });

  test('ourselves, and our double', () => {
    expect(judge({ peer: LOW, session: NOW })).toMatchObject({ self: true, code: 'PEER_REFUSED' });
    expect(judge({ peer: LOW, session: BEFORE })).toMatchObject({ self: false, code: 'PEER_REFUSED' });
  });
});

test('buckets that both have under different policies are named', () => {
  const hashes = { vectorHash: new Uint8Array(16), stateHash: new Uint8Array(16) };
  const theirs = Object.entries({ same: 'lww', other: 'set', unknown: 'of-the-future', only_theirs: 'lww' });
  const buckets = theirs.map(([name, policy]) => ({ bucket: name as BucketName, policy, ...hashes }));
  const ours = new Map(
    ['same', 'other', 'unknown', 'only_ours'].map((name) => [
      name as BucketName,
      { policy: { name: 'lww' } },
    ]),
  );
  expect(policyMismatches({ ...hello(HIGH), buckets }, ours)).toEqual([
    { bucket: 'other', ours: 'lww', theirs: 'set' },
    { bucket: 'unknown', ours: 'lww', theirs: 'of-the-future' },
  ]);
});
