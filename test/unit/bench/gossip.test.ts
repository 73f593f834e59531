import { describe, expect, test } from '@jest/globals';
import { parseGossipOptions } from '../../../bench/gossip/options.js';
import { markdownOf, type Table } from '../../../bench/gossip/table.js';
import { tablesOf } from '../../../bench/gossip/tables.js';
import { proseOf, readPage } from '../../tools/markdown.js';

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

  test('may have a row for each strategy instead', () => {
    const outcome = { label: 'a', goal: 'none', figures: { trees: [{ mean: 1 }], flooding: [{ mean: 2 }] } };
    const table: Table = { ...TABLE, strategiesAre: 'rows', metrics: TABLE.metrics.slice(0, 1) };
    expect(markdownOf(table, [outcome]).split('\n').slice(4, -1)).toEqual([
      '| cluster | goal | mean |',
      '| --- | --- | --- |',
      '| a: trees | none | 1.0 |',
      '| a: flooding | none | 2.0 |',
    ]);
  });

  // All of them take minutes; the first row tells whether somebody has looked since the core changed.
  test('are in docs/GOSSIP.md as they would be printed, and so are the figures of the first row', () => {
    const text = proseOf(readPage('docs/GOSSIP.md'));
    for (const table of tablesOf(false).filter(({ name }) => name !== 'speed'))
      expect(text).toContain(markdownOf(table, []).trimEnd());
    const [table] = tablesOf(false);
    const row = table?.rows[0];
    if (!table || !row) throw new Error('there is no table');
    const figures = Object.entries(table.strategies).map(
      ([name, strategy]) => [name, [row.run({ seed: 1, strategy, progress: () => undefined })]] as const,
    );
    const outcome = { label: row.label, goal: row.goal, figures: Object.fromEntries(figures) };
    expect(text).toContain(markdownOf(table, [outcome]).trimEnd());
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
