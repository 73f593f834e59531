import type { Variant } from './peers/peer.js';
import type { Round } from './scenarios/scenario.js';
import { shownSummary, summary, type Summary } from './stats.js';

/** One line of the table: one figure of one scenario, ours beside the plain peer's. */
export interface RowSpec {
  readonly scenario: string;
  readonly figure: string;
  readonly variant: Exclude<Variant, 'plain'>;
  readonly label: string;
  readonly better: 'more' | 'less';
}

export interface Row extends RowSpec {
  readonly ours: Summary;
  readonly plain: Summary;
  /** Ours over the plain peer's, round by round. */
  readonly ratio: Summary;
  readonly rounds: number;
}

const row = (
  scenario: string,
  figure: string,
  variant: RowSpec['variant'],
  better: RowSpec['better'],
  label: string,
): RowSpec => ({ scenario, figure, variant, better, label });

export const ROWS: readonly RowSpec[] = [
  row('write', 'replicated', 'flushed', 'more', 'replicated sets/s, flushed to disk'),
  row('write', 'replicated', 'committed', 'more', 'replicated sets/s, committed'),
  row('write', 'replicated', 'memory', 'more', 'replicated sets/s, in memory'),
  row('write', 'acknowledged', 'flushed', 'more', 'acknowledged sets/s, flushed to disk'),
  row('write', 'acknowledged', 'committed', 'more', 'acknowledged sets/s, committed'),
  row('write', 'acknowledged', 'memory', 'more', 'acknowledged sets/s, in memory'),
  row('write', 'bytes', 'flushed', 'less', 'wire bytes per set, two copies'),
  row('write', 'cpu', 'flushed', 'less', 'CPU us per set, three peers together'),
  row('write', 'cpu', 'memory', 'less', 'CPU us per set, in memory'),
  row('latency', 'p50', 'flushed', 'less', 'set to change elsewhere, p50 ms'),
  row('latency', 'p99', 'flushed', 'less', 'set to change elsewhere, p99 ms'),
  row('latency', 'acknowledged', 'flushed', 'less', 'set to acknowledgement, p50 ms'),
  row('catch-up', 'join', 'flushed', 'less', 'join of an empty peer, ms'),
  row('catch-up', 'joinBytes', 'flushed', 'less', 'join of an empty peer, bytes'),
  row('catch-up', 'rejoin', 'flushed', 'less', 'rejoin after a pause, ms'),
  row('catch-up', 'rejoinBytes', 'flushed', 'less', 'rejoin after a pause, bytes'),
  row('catch-up', 'memory', 'flushed', 'less', 'memory per key, RSS bytes'),
  row('catch-up', 'anonymous', 'flushed', 'less', 'of it not the mapped data file'),
  row('cli-get', 'wall', 'flushed', 'less', 'CLI get beside `node -e 0`, ms'),
];

/** @returns `undefined` when the scenario was not run */
export function evaluate(spec: RowSpec, rounds: readonly Round[] | undefined): Row | undefined {
  const pairs = (rounds ?? []).flatMap((round) => {
    const ours = round[spec.variant]?.[spec.figure];
    const plain = round.plain?.[spec.figure];
    return ours === undefined || plain === undefined ? [] : [{ ours, plain }];
  });
  if (pairs.length === 0) return undefined;
  return {
    ...spec,
    ours: summary(pairs.map(({ ours }) => ours)),
    plain: summary(pairs.map(({ plain }) => plain)),
    ratio: summary(pairs.map(({ ours, plain }) => ours / plain)),
    rounds: pairs.length,
  };
}

const HEAD = ['figure', 'Rumeur', 'plain peer', 'Rumeur / plain', 'better'];

/** A Markdown table with its columns aligned. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ label, ours, plain, ratio, better }) => [
    label,
    shownSummary(ours),
    shownSummary(plain),
    shownSummary(ratio),
    better,
  ]);
  const widths = HEAD.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i]?.length ?? 0)));
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |\n`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [HEAD, rule, ...cells].map(line).join('');
}
