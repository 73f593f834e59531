import { describe, expect, test } from '@jest/globals';
import { parseGossipOptions } from '../../../bench/gossip/options.js';
import { markdownOf, type Table } from '../../../bench/gossip/table.js';
import { tablesOf } from '../../../bench/gossip/tables.js';

const TABLE: Table = {
  name: 'hops',
  title: 'Hops',
  note: 'How far it is.',
  strategies: { trees: { kind: 'tree' }, flooding: { kind: 'flood' } },
  metrics: [
    { name: 'mean', over: 'mean', show: (value) => value.toFixed(1) },
    { name: 'reached', over: 'least', show: String },
    { name: 'longest', over: 'most', show: String },
  ],
  rows: [],
};

describe('the tables of npm run bench:gossip', () => {
  test('have a column for each metric and strategy, and one figure for all seeds', () => {
    const trees = [
      { mean: 1, reached: 0.9, longest: 4 },
      { mean: 2, reached: 1, longest: 7 },
    ];
    const flooding = [{ mean: 3, reached: null, longest: 2 }];
    const outcome = { label: 'mesh of 16', goal: '<= 2', figures: { trees, flooding } };
    expect(markdownOf(TABLE, [outcome]).split('\n').slice(0, -1)).toEqual([
      '### Hops',
      '',
      'How far it is.',
      '',
      '| cluster | goal | mean: trees | mean: flooding | reached: trees | reached: flooding | longest: trees | longest: flooding |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      '| mesh of 16 | <= 2 | 1.5 | 3.0 | 0.9 | never | 7 | 2 |',
    ]);
  });

  test('show what their rows measure', () => {
    const row = tablesOf(true)[0]?.rows[0];
    const figures = row?.run({ seed: 1, strategy: { kind: 'flood' }, progress: () => undefined });
    expect(figures?.['redundancy']).toBe(14);
    for (const { name } of tablesOf(true)[0]?.metrics ?? []) expect(figures?.[name]).toBeGreaterThan(0);
  });

  test('are chosen by name', () => {
    const names = tablesOf(false).map(({ name }) => name);
    expect(parseGossipOptions(['--only', 'hops,crash', '--seeds', '3'], names)).toMatchObject({
      only: ['hops', 'crash'],
      seeds: 3,
    });
    expect(() => parseGossipOptions(['--only', 'hop'], names)).toThrow("there is no table 'hop'");
    expect(() => parseGossipOptions(['--seeds', '0'], names)).toThrow("from 1 to 100, not '0'");
  });
});
