import { describe, expect, test } from '@jest/globals';
import { encode } from '@msgpack/msgpack';
import { Buffer } from 'node:buffer';
import { STAMP_ZERO } from '../../../src/data/stamp.js';
import { memberOfRow, memberRow } from '../../../src/storage/disk/state-rows.js';
import { down, member } from '../replica/members.builders.js';

const NUMBER = '018bcfe568000000';
const PEER = 'B'.repeat(21);
const row = (...fields: unknown[]): Buffer => Buffer.from(encode(fields));

describe('the row of a member', () => {
  test('holds all of its record', () => {
    const record = { ...down(member('B', 5, 'a:1-3,5-5')), url: 'http://b:1' };
    expect(memberOfRow(memberRow(record))).toEqual(record);
  });

  test('as the first versions wrote it has no address and no down mark', () => {
    const old = memberOfRow(row(PEER, 'b', NUMBER, [], [], NUMBER));
    expect(old).toMatchObject({ peer: PEER, url: null, downUpTo: STAMP_ZERO });
    expect(old.evictedUpTo).toBe(old.number);
  });

  test('is refused where it is damaged', () => {
    for (const [url, downUpTo] of [
      [7, NUMBER],
      [null, 'never'],
    ]) {
      const damaged = row(PEER, 'b', NUMBER, [], [], NUMBER, url, downUpTo);
      expect(() => memberOfRow(damaged)).toThrow('the record of a member in the data file is damaged');
    }
  });
});
