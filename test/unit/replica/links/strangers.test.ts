import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../../src/base/ids.js';
import { activeLinks } from '../../../../src/replica/core.js';
import { peerId, Subject } from '../builders.js';
import { addressOf, crowded, goodbyes, LETTERS, madeUp, names, RARE_PINGS } from './crowd.js';

const settingsOfMesh = { links: 64, addresses: 512, meshPeers: 10, ...RARE_PINGS };

/** Somebody new, whom nobody can dial, and who says that it has no other link. */
function join(subject: Subject, i: number, url: string | null = null): LinkId {
  return subject.meet('Z', { hello: { url, peer: madeUp(i, 1)[0]?.id ?? peerId('Z'), name: 'stranger' } });
}

const isDialable =
  (letters: string) =>
  (letter: string): boolean =>
    letters.includes(letter);

const known = (subject: Subject, letters: string): number =>
  names(subject).filter((name) => letters.includes(name)).length;

describe('a crowd', () => {
  test('is not what half of an even number of neighbours say: it takes more', () => {
    const subject = new Subject(settingsOfMesh);
    const isCrowdedBy = (...crowds: number[]): boolean => {
      for (const [i, crowd] of crowds.entries()) {
        const url = addressOf(LETTERS[i] as string).url;
        subject.meet(LETTERS[i] as string, { direction: 'out', url, hello: { crowd } });
      }
      return subject.replica.isCrowded;
    };
    expect(isCrowdedBy(0, 100)).toBe(false);
    expect(isCrowdedBy(0, 100, 100)).toBe(true);
  });

  test('is not made by those who came just now, but by those who stay', () => {
    const subject = new Subject(settingsOfMesh);
    for (const letter of LETTERS.slice(0, 4)) subject.meet(letter, { hello: addressOf(letter) });
    subject.pass(6_000);
    const links = Array.from({ length: 20 }, (_, i) => join(subject, i));
    for (const { id } of activeLinks(subject.replica.core).slice(4, 8))
      subject.say(id, { type: 'shuffle', id: 1, hops: 0, crowd: 100, addresses: [] });
    subject.pass(4_900);
    expect(subject.replica.isCrowded).toBe(false);
    for (const link of links.slice(0, 15)) subject.take({ kind: 'linkClosed', link, reason: 'gone' });
    subject.pass(200);
    expect(subject.replica.isCrowded).toBe(false);
    for (let i = 0; i < 20; i++) join(subject, 100 + i);
    subject.pass(4_900);
    expect(subject.replica.isCrowded).toBe(false);
    subject.pass(200);
    expect(subject.replica.isCrowded).toBe(true);
  });
});

describe('links that nobody can dial again', () => {
  test('push out no others, however many there are: all but two come on top of the degree', () => {
    const subject = crowded(12, {}, isDialable('ABCDEF'));
    subject.pass(30_000);
    expect(names(subject)).toHaveLength(12);
    expect(known(subject, 'ABCDEF')).toBe(6);
  });

  test('go as well, but for the two oldest, when there are more than there is room for', () => {
    const subject = crowded(20, {}, isDialable('EFGHJK'));
    subject.pass(60_000);
    expect(names(subject)).toHaveLength(12);
    expect(known(subject, 'EFGHJK')).toBe(6);
    expect(names(subject)).toEqual(expect.arrayContaining(['A', 'B']));
  });

  test('leave a peer hungry for others: no more than two of them count', () => {
    const subject = crowded(9, {}, isDialable('A'));
    const [a] = activeLinks(subject.replica.core);
    subject.say(a?.id as LinkId, { type: 'peers', addresses: madeUp(0, 10) });
    subject.pass(1);
    // Six are wanted: one that can be dialled and two of eight others count.
    expect(subject.dials).toHaveLength(3);
  });

  test('make room for each other, and for whoever can be dialled', () => {
    const subject = crowded(12, {}, isDialable('ABCD'));
    subject.meet('Y', { hello: { ...addressOf('Y'), links: 3 } });
    for (let i = 0; i < 100; i++) join(subject, i);
    expect(names(subject)).toHaveLength(12);
    expect(names(subject)).toEqual(expect.arrayContaining(['A', 'B', 'C', 'D', 'E', 'F', 'Y']));
    expect(goodbyes(subject).filter((code) => code === 'SURPLUS').length).toBeLessThanOrEqual(17);
  });
});

test.each([null, 'http://stranger:1'])(
  'endless newcomers (%s) leave the older half of the links alone, and two that nobody can dial',
  (url) => {
    const subject = crowded(10, {}, isDialable('ABCDEFGH'));
    subject.pass(20_000);
    for (let i = 0; i < 1_000; i++) {
      subject.now += 30;
      subject.take({ kind: 'wake' });
      join(subject, i, url === null ? null : `${url}${i % 10}`);
    }
    expect(known(subject, 'ABCDEFGH')).toBeGreaterThanOrEqual(4);
    expect(names(subject)).toEqual(expect.arrayContaining(['I', 'J']));
    expect(names(subject).length).toBeGreaterThanOrEqual(8);
  },
);

test('who has no other link finds room, though all links are to peers that nobody can dial', () => {
  const subject = crowded(12, {}, () => false);
  subject.meet('Z', { hello: { ...addressOf('Z'), links: 0 } });
  expect(goodbyes(subject)).toEqual(['SURPLUS']);
  expect(names(subject)).toContain('Z');
});
