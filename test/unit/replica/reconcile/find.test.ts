import { expect, test } from '@jest/globals';
import { encodeMessage } from '../../../../src/protocol/codec.js';
import { op } from '../builders.js';
import { Side, talk } from './sides.js';

const KEYS = 100_000;
const SLICE = 1000;

test('one difference in very many keys is found in 4 round trips and under 4 KB', () => {
  const a = new Side('A');
  for (let first = 1; first <= KEYS; first += SLICE) {
    const seqs = Array.from({ length: SLICE }, (_, i) => first + i);
    a.learn(...seqs.map((seq) => op('x', seq, seq, `key-${seq}`)));
  }
  const b = new Side('B', 'lww', a);
  a.force('key-77777', op('x', 77_777, 77_777, 'key-77777', 'another value'));
  let bytes = 0;
  let questions = 0;
  a.start('verify');
  talk(a, b, (from, message) => {
    bytes += encodeMessage(message).length;
    if (from === a) questions++;
  });
  expect(a.last).toMatchObject({ outcome: 'done', roundTrips: questions, bytes, blocks: 1, listed: 16 });
  expect(a.last.examples).toEqual([expect.objectContaining({ key: 'key-77777', kind: 'content' })]);
  expect(questions).toBeLessThanOrEqual(4);
  // A tenth of a million keys has a tenth of the coarsest blocks: 15 blocks of 8 bytes more are to come in.
  expect(bytes).toBeLessThan(4096 - 15 * 8);
});
