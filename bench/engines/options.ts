import { parseArgs } from 'node:util';

export interface EnginesOptions {
  readonly help: boolean;
  readonly json: boolean;
  readonly keys: number;
  readonly rounds: number;
  /** Default: the system's folder for temporary files. */
  readonly data: string | undefined;
}

export const HELP = `npm run bench:engines -- [options]

Measures the storage engines beside each other on this machine, in turns, and prints a table in Markdown.

  --keys <n>        keys in each store (default 20000)
  --rounds <n>      rounds, after one that does not count (default 3)
  --data <folder>   where the stores are: a real disk, not a memory file system
  --json            prints everything measured as JSON
`;

/** @throws Error that says what is wrong with the arguments */
export function parseOptions(argv: readonly string[]): EnginesOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      json: { type: 'boolean', default: false },
      keys: { type: 'string', default: '20000' },
      rounds: { type: 'string', default: '3' },
      data: { type: 'string' },
    },
  });
  return {
    help: values.help,
    json: values.json,
    keys: number('--keys', values.keys, 1000),
    rounds: number('--rounds', values.rounds, 1),
    data: values.data,
  };
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`${name} takes a whole number from ${least} on, not '${text}'`);
}
