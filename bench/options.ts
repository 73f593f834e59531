import { parseArgs } from 'node:util';
import type { Sizes } from './scenarios/scenario.js';

export interface BenchOptions {
  readonly help: boolean;
  readonly json: boolean;
  readonly rounds: number;
  readonly sizes: Sizes;
  /** Names of scenarios; empty for all. */
  readonly only: readonly string[];
  /** Where the peers put their data; default the system's folder for temporary files. */
  readonly data: string | undefined;
  readonly profile: string | undefined;
}

export const HELP = `npm run bench -- [options]

Measures Rumeur beside a plain flooding peer on this machine and prints a table.

  --quick           a short run: one or two rounds of smaller sizes, under a minute
  --rounds <n>      rounds of each scenario (default 3; quick 1)
  --only <names>    of write, latency, catch-up, cli-get; separated by commas. And churn, which runs only when it is
                    named: sets and deletes until a data file would show what they leave behind
  --keys <n>        sets in write, keys in catch-up and rounds of churn (default 50000, 100000 and 1000000)
  --data <folder>   where the peers keep their data: a real disk, not a memory file system
  --profile <folder>  writes a CPU profile of every peer's process there
  --json            prints everything measured as JSON
`;

const FULL: Sizes = {
  writes: 50_000,
  latencies: 2000,
  keys: 100_000,
  missed: 1000,
  gets: 20,
  churn: 1_000_000,
};
const QUICK: Sizes = { writes: 20_000, latencies: 500, keys: 50_000, missed: 500, gets: 3, churn: 20_000 };

/** @throws Error that says what is wrong with the arguments */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      rounds: { type: 'string' },
      keys: { type: 'string' },
      only: { type: 'string' },
      data: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const defaults = values.quick ? QUICK : FULL;
  const keys = values.keys === undefined ? undefined : positive('--keys', values.keys);
  return {
    help: values.help,
    json: values.json,
    rounds: values.rounds === undefined ? (values.quick ? 1 : 3) : positive('--rounds', values.rounds),
    sizes:
      keys === undefined
        ? defaults
        : {
            ...defaults,
            writes: keys,
            keys,
            churn: keys,
            latencies: Math.min(keys, defaults.latencies),
            missed: Math.ceil(keys / 100),
          },
    only: values.only?.split(',') ?? [],
    data: values.data,
    profile: values.profile,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`${name} takes a whole number above 0, not '${text}'`);
}
