import { expect, test } from '@jest/globals';
import { dotFromText, dotToText } from '../../../src/data/dot.js';

test('a dot is written `origin.seq`, and nothing else is read', () => {
  const text = `${'o'.repeat(21)}.12`;
  const dot = dotFromText(text);
  expect(dot).toEqual({ origin: 'o'.repeat(21), seq: 12 });
  expect(dot && dotToText(dot)).toBe(text);
  for (const seq of ['', '0', '01', '-1', '1.5', '1e3', '9007199254740992', ' 1']) {
    expect(dotFromText(`${'o'.repeat(21)}.${seq}`)).toBeUndefined();
  }
  expect(dotFromText(`${'o'.repeat(20)}.1`)).toBeUndefined();
  expect(dotFromText(`${'o'.repeat(21)}:1`)).toBeUndefined();
});
