import { describe, expect, test } from '@jest/globals';
import type { PeerId } from '../../../../src/base/ids.js';
import type { MemberRecord } from '../../../../src/protocol/members.js';
import { Subject } from '../builders.js';
import { member, tell } from '../members.builders.js';

const idOf = (i: number): PeerId => `m${i}`.padStart(21, 'm') as PeerId;
const urlOf = (i: number, place: number): string => `http://h${i}-${place}:1`;
/** What `count` members announced, each of a new place. */
const moved = (count: number, place: number): MemberRecord[] =>
  Array.from({ length: count }, (_, i) =>
    member('X', place, '', { peer: idOf(i), name: 'n', url: urlOf(i, place) }),
  );
const known = (subject: Subject): string[] =>
  [...subject.replica.core.addresses.active()].map(({ record }) => record.url);

describe('the addresses in records of members', () => {
  test('are taken up to a bound, which is no misdeed', () => {
    const subject = new Subject({ addresses: 4_096 });
    const a = subject.meet('A');
    tell(subject, a, ...moved(600, 0));
    expect(known(subject)).toHaveLength(256);
    expect(subject.replica.core.links.get(a)?.leniency.isFull(subject.now)).toBe(true);
    // What it may tell besides is another matter.
    const address = { url: 'http://b:1', id: idOf(700), name: 'b' };
    subject.say(a, { type: 'peers', addresses: [address] });
    expect(known(subject)).toContain(address.url);
  });

  test('are one a member: the next one takes the place of the former, unless that was proven or is being tried', () => {
    const subject = new Subject({ addresses: 512 });
    const a = subject.meet('A');
    tell(subject, a, ...moved(3, 0));
    subject.replica.core.addresses.reached(urlOf(0, 0), idOf(0), 'n');
    subject.replica.core.addresses.dialStarted(urlOf(1, 0));
    tell(subject, a, ...moved(3, 1));
    expect(known(subject).sort()).toEqual([urlOf(0, 0), urlOf(0, 1), urlOf(1, 0), urlOf(2, 1)]);
  });

  test('take the place of nothing that neighbours have told, nor of what people named', () => {
    const subject = new Subject({ addresses: 512, peers: [urlOf(1, 0)] });
    const a = subject.meet('A');
    const told = { url: urlOf(0, 0), id: idOf(0), name: 'n' };
    subject.say(a, { type: 'peers', addresses: [told] });
    tell(subject, a, ...moved(2, 1));
    tell(subject, a, ...moved(2, 2));
    expect(known(subject).sort()).toEqual([urlOf(0, 0), urlOf(0, 2), urlOf(1, 0), urlOf(1, 2)]);
  });
});
