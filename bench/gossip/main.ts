import { type GossipOptions, HELP, parseGossipOptions } from './options.js';
import { Progress } from './progress.js';
import { markdownOf, type Outcome, type Row, type Table } from './table.js';
import { tablesOf } from './tables.js';

/** @returns the exit code */
export function main(argv: readonly string[]): number {
  let options: GossipOptions;
  try {
    options = parseGossipOptions(
      argv,
      tablesOf(false).map(({ name }) => name),
    );
  } catch (error) {
    process.stderr.write(`bench:gossip: ${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) process.stdout.write(HELP);
  else play(options);
  return 0;
}

function play({ quick, seeds, only, json }: GossipOptions): void {
  const begin = performance.now();
  const results: Record<string, Outcome[]> = {};
  for (const table of tablesOf(quick)) {
    if (only.length > 0 && !only.includes(table.name)) continue;
    const outcomes = table.rows.map((row) => outcomeOf(table, row, seeds));
    results[table.name] = outcomes;
    if (!json) process.stdout.write(`${markdownOf(table, outcomes)}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(results)}\n`);
  process.stderr.write(`bench:gossip: ${Math.round((performance.now() - begin) / 1000)} s\n`);
}

function outcomeOf({ name, strategies }: Table, row: Row, seeds: number): Outcome {
  const figures = Object.entries(strategies).map(([strategy, how]) => {
    const runs = Array.from({ length: row.once === true ? 1 : seeds }, (_, i) => {
      const progress = new Progress(`${name}, ${row.label}, ${strategy}, seed ${i + 1}`);
      const result = row.run({ seed: i + 1, strategy: how, progress: (share) => progress.tell(share) });
      progress.end();
      return result;
    });
    return [strategy, runs] as const;
  });
  return { label: row.label, goal: row.goal, figures: Object.fromEntries(figures) };
}
