import { churn as measure } from '../churn/churn.js';
import type { Figures, Round, Scenario } from './scenario.js';

/** What the files may grow by after the warm-up, of 1. */
const MOST_GROWTH = 0.1;
const MEBIBYTE = 2 ** 20;

/** The same keys set and deleted over and over at three peers: what was deleted leaves nothing behind. Takes minutes. */
export const churn: Scenario = {
  name: 'churn',
  isExtra: true,
  async run({ sizes, freshDir, progress }): Promise<Round[]> {
    const { seconds, warm, end, growth } = await measure({
      rounds: sizes.churn,
      warmUp: sizes.churn / 10,
      keys: Math.min(1000, sizes.churn / 100),
      lasting: Math.min(10_000, sizes.churn / 100),
      peers: 3,
      announceMs: 1000,
      folder: await freshDir(),
      progress: (text) => progress(`churn: ${text}`),
    });
    const most = (uses: typeof warm, what: 'file' | 'live'): number =>
      Math.max(...uses.map((use) => use[what]));
    const figures: Figures = {
      rounds: sizes.churn,
      seconds,
      fileAfterWarmUp: most(warm, 'file'),
      fileInTheEnd: most(end, 'file'),
      fileGrowth: growth.file,
      liveAfterWarmUp: most(warm, 'live'),
      liveInTheEnd: most(end, 'live'),
      liveGrowth: growth.live,
    };
    return [{ flushed: figures }];
  },
  judge([round]) {
    const figures = round?.flushed ?? {};
    const { rounds = 0, seconds = 0, fileGrowth = Infinity, liveGrowth = Infinity } = figures;
    const isWell = Math.max(fileGrowth, liveGrowth) <= MOST_GROWTH;
    const size = (name: string): string => `${((figures[name] ?? 0) / MEBIBYTE).toFixed(2)} MiB`;
    const lines = [
      `churn: ${rounds} rounds of set and delete in ${Math.round(seconds)} s; the largest of three stores:`,
      `  data file ${size('fileAfterWarmUp')} after a tenth of them, ${size('fileInTheEnd')} in the end`,
      `  in use    ${size('liveAfterWarmUp')} after a tenth of them, ${size('liveInTheEnd')} in the end`,
      ...(isWell ? [] : [`  FAILED: more than ${100 * MOST_GROWTH}% of growth`]),
    ];
    return { lines, isWell };
  },
};
