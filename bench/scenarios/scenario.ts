import type { Variant } from '../peers/peer.js';
import type { ClusterOptions } from '../process/cluster.js';

/** How much is done in one round. */
export interface Sizes {
  readonly writes: number;
  readonly latencies: number;
  readonly keys: number;
  /** Of `keys`: what a peer misses while it is away. */
  readonly missed: number;
  /** Pairs of processes. */
  readonly gets: number;
  /** Rounds of set and delete. */
  readonly churn: number;
}

/** The figures of one variant in one round, by name. */
export type Figures = Readonly<Record<string, number>>;
/** What was measured close together in time, and may be compared. */
export type Round = Readonly<Partial<Record<Variant, Figures>>>;

export interface Context {
  readonly sizes: Sizes;
  readonly rounds: number;
  /** Makes an empty directory. */
  readonly freshDir: () => Promise<string>;
  readonly profileDir: string | undefined;
  /** Told what is measured now. */
  readonly progress: (text: string) => void;
}

export interface Verdict {
  readonly lines: readonly string[];
  readonly isWell: boolean;
}

export interface Scenario {
  readonly name: string;
  /** Run only when it is named. */
  readonly isExtra?: boolean;
  run(context: Context): Promise<Round[]>;
  /** What is said of it beside the table, and whether it is as it must be. */
  readonly judge?: (rounds: readonly Round[]) => Verdict;
}

/** Sets before the clock runs, so that the code is compiled. */
export const WARM_UP = 2000;
/** Sets that wait for their acknowledgement at a time. */
export const IN_FLIGHT = 256;

/** Rounds in which every variant has its turn; who begins changes from round to round. */
export function inTurns(
  name: string,
  variants: readonly Variant[],
  measure: (options: ClusterOptions, sizes: Sizes) => Promise<Figures>,
): Scenario {
  const run = async ({ sizes, rounds, freshDir, profileDir, progress }: Context): Promise<Round[]> => {
    const results: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      const figures: Partial<Record<Variant, Figures>> = {};
      for (const variant of round % 2 === 0 ? variants : [...variants].reverse()) {
        progress(`${name}, round ${round + 1} of ${rounds}: ${variant}`);
        figures[variant] = await measure({ variant, dataDir: await freshDir(), profileDir }, sizes);
      }
      results.push(figures);
    }
    return results;
  };
  return { name, run };
}
