import { median, shown, shownSummary, summary } from '../stats.js';
import { type Figures, type Metric, METRICS } from './figures.js';

/** One round: each engine's figures, measured one after the other. */
export type Round = Readonly<Record<string, Figures>>;

/**
 * A table in Markdown. Ratios are formed within rounds, and are above 1 where the engine is better than the first one: what
 * else the machine does falls on both.
 */
export function tableOf(rounds: readonly Round[]): string {
  const [first = '', ...others] = Object.keys(rounds[0] ?? {});
  const head = ['', first, ...others, ...others.map((name) => `${name} is better by`)];
  const lines = (Object.keys(METRICS) as Metric[]).map((metric) => {
    const of = (name: string): number[] => rounds.map((round) => round[name]?.[metric] ?? NaN);
    const ratios = others.map((name) => rounds.map((round) => gain(metric, round[name], round[first])));
    return [
      METRICS[metric].title,
      ...[first, ...others].map((name) => shown(median(of(name)))),
      ...ratios.map((each) => `x ${shownSummary(summary(each))}`),
    ];
  });
  const align = ['---', ...head.slice(1).map(() => '---:')];
  return [head, align, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function gain(metric: Metric, figures: Figures = {}, base: Figures = {}): number {
  const [mine, other] = [figures[metric] ?? NaN, base[metric] ?? NaN];
  return METRICS[metric].worth === 'more' ? mine / other : other / mine;
}
