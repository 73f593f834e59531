import { describe, expect, test } from '@jest/globals';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { LineSplitter, type Line } from '../../../cli/transfer/lines.js';

function split(chunks: readonly (string | Uint8Array)[], longest?: number): Line[] {
  const splitter = new LineSplitter(longest);
  const lines = chunks.flatMap((chunk) =>
    splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk),
  );
  return [...lines, ...splitter.end()];
}

const texts = (lines: readonly Line[]) => lines.map(({ number, text, problem }) => [number, text ?? problem]);

describe('lines', () => {
  test('are numbered from 1; empty ones count and are left out', () => {
    expect(texts(split(['a\n\n  \nb\r\nc']))).toEqual([
      [1, 'a'],
      [4, 'b'],
      [5, 'c'],
    ]);
    expect(split([''])).toEqual([]);
    expect(split(['a\n'])).toHaveLength(1);
  });

  test('end at a line feed only', () => {
    expect(texts(split(['a\u2028b\u0085c\u000bd\n']))).toEqual([[1, 'a\u2028b\u0085c\u000bd']]);
  });

  test('a byte order mark at the very beginning goes', () => {
    expect(texts(split(['\uFEFFa\n\uFEFFb']))).toEqual([
      [1, 'a'],
      [2, '\uFEFFb'],
    ]);
  });

  test('one that is not UTF-8 does not spoil its neighbours', () => {
    const bytes = Buffer.concat([Buffer.from('a\nb\n'), Buffer.of(0xc3, 0x28, 0x0a), Buffer.from('é\nd')]);
    expect(texts(split([bytes]))).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'not UTF-8'],
      [4, 'é'],
      [5, 'd'],
    ]);
  });

  test('one that is too long is reported, and the rest goes on', () => {
    const lines = split(['short\n', 'x'.repeat(8), 'y'.repeat(8), 'z\nnext\n'], 10);
    expect(texts(lines)).toEqual([
      [1, 'short'],
      [2, 'longer than 10 bytes'],
      [3, 'next'],
    ]);
  });

  test('come out the same wherever the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(40)), (parts, cuts) => {
        const bytes = Buffer.from(parts.join('\n'));
        const chunks: Uint8Array[] = [];
        let from = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        expect(split([...chunks, bytes.subarray(from)])).toEqual(split([bytes]));
      }),
    );
  });
});
