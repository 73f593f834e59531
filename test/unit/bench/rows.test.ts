import { describe, expect, test } from '@jest/globals';
import { evaluate, type RowSpec, tableOf } from '../../../bench/rows.js';

const spec: RowSpec = {
  scenario: 'write',
  figure: 'replicated',
  variant: 'flushed',
  label: 'sets/s',
  better: 'more',
};

describe('the table of the bench', () => {
  test('ratios are formed round by round, not of the medians', () => {
    const row = evaluate(spec, [
      { flushed: { replicated: 10 }, plain: { replicated: 10 } },
      { flushed: { replicated: 60 }, plain: { replicated: 20 } },
      { flushed: { replicated: 40 }, plain: { replicated: 80 } },
    ]);
    expect(row).toMatchObject({
      ours: { median: 40, min: 10, max: 60 },
      plain: { median: 20, min: 10, max: 80 },
      ratio: { median: 1, min: 0.5, max: 3 },
      rounds: 3,
    });
  });

  test('a figure that was not measured has no row', () => {
    expect(evaluate(spec, undefined)).toBeUndefined();
    expect(
      evaluate(spec, [{ plain: { replicated: 1 } }, { flushed: { other: 1 }, plain: {} }]),
    ).toBeUndefined();
  });

  test('the columns are aligned', () => {
    const row = evaluate(spec, [{ flushed: { replicated: 44_800 }, plain: { replicated: 39_300 } }]);
    const lines = tableOf(row ? [row] : [])
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(3);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[2]?.split('|').map((cell) => cell.trim())).toEqual([
      '',
      'sets/s',
      '44.8k',
      '39.3k',
      '1.14',
      'more',
      '',
    ]);
  });
});
