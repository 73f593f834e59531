import type { Strategy } from '../../simulator/experiment/cluster.js';

/** What one run gave, by the names of the metrics; `null`: never. */
export type Figures = Readonly<Record<string, number | null>>;

export interface Metric {
  readonly name: string;
  /** What stands for several seeds: `most` where less is better, `least` where more is. */
  readonly over: 'mean' | 'most' | 'least';
  readonly show: (value: number) => string;
}

export interface Run {
  readonly seed: number;
  readonly strategy: Strategy;
  /** Of 1: how much is done. */
  readonly progress: (share: number) => void;
}

export interface Row {
  readonly label: string;
  readonly goal: string;
  /** Runs of the first seed only: large ones. */
  readonly once?: boolean;
  readonly run: (run: Run) => Figures;
}

export interface Table {
  readonly name: string;
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly note: string;
  readonly strategies: Readonly<Record<string, Strategy>>;
  /** Where several strategies go; default: a column each for every metric. */
  readonly strategiesAre?: 'columns' | 'rows';
  readonly metrics: readonly Metric[];
  readonly rows: readonly Row[];
}

/** Of one row: the figures of each seed, by the names of the strategies. */
export interface Outcome {
  readonly label: string;
  readonly goal: string;
  readonly figures: Readonly<Record<string, readonly Figures[]>>;
}

/** A table in Markdown: a column for each metric and strategy, or a row for each cluster and strategy. */
export function markdownOf(table: Table, outcomes: readonly Outcome[]): string {
  const { title, note } = table;
  const [head = [], ...lines] = cellsOf(table, outcomes);
  const rows = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`);
  return [`### ${title}`, '', note, '', ...rows, ''].join('\n');
}

/** The head, and the rows. */
function cellsOf(table: Table, outcomes: readonly Outcome[]): string[][] {
  const { strategies, strategiesAre = 'columns', metrics } = table;
  const names = Object.keys(strategies);
  if (strategiesAre === 'rows') {
    const rows = outcomes.flatMap(({ label, goal, figures }) =>
      names.map((name) => [
        `${label}: ${name}`,
        goal,
        ...metrics.map((metric) => cellOf(metric, figures[name] ?? [])),
      ]),
    );
    return [['cluster', 'goal', ...metrics.map(({ name }) => name)], ...rows];
  }
  const columns = metrics.flatMap((metric) => names.map((name) => ({ metric, name })));
  const titles = columns.map(({ metric, name }) =>
    names.length > 1 ? `${metric.name}: ${name}` : metric.name,
  );
  const rows = outcomes.map(({ label, goal, figures }) => [
    label,
    goal,
    ...columns.map(({ metric, name }) => cellOf(metric, figures[name] ?? [])),
  ]);
  return [['cluster', 'goal', ...titles], ...rows];
}

function cellOf({ name, over, show }: Metric, figures: readonly Figures[]): string {
  const values = figures.map((figure) => figure[name]);
  if (values.includes(null)) return 'never';
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length === 0) return '-';
  if (over === 'most') return show(Math.max(...numbers));
  if (over === 'least') return show(Math.min(...numbers));
  return show(numbers.reduce((sum, value) => sum + value, 0) / numbers.length);
}
