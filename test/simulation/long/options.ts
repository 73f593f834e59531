import { Command, CommanderError } from 'commander';
import { availableParallelism } from 'node:os';

export interface LongOptions {
  readonly seeds: number;
  readonly from: number;
  readonly log: string;
  readonly workers: number;
  /** Seeds that were run before by the same code are run again. */
  readonly again: boolean;
  /** A file with a plan, to be run instead of seeds. */
  readonly plan: string | undefined;
  readonly reduceMs: number;
}

/** @returns the options, or what to print instead with its exit code */
export function parseOptions(argv: readonly string[]): LongOptions | { text: string; code: number } {
  let text = '';
  const write = (part: string): void => void (text += part);
  const command = new Command('simulate:long')
    .description(
      'Runs simulated clusters, seed after seed, in several processes; goes on where it was stopped.',
    )
    .option('--seeds <n>', 'how many seeds', whole, 1000)
    .option('--from <n>', 'the first seed', whole, 1)
    .option(
      '--log <file>',
      'what was run and found, one JSON document a line',
      '.rumeur/simulate-long.ndjson',
    )
    .option('--workers <n>', 'processes', whole, availableParallelism())
    .option('--again', 'also seeds that this very code has run before', false)
    .option('--plan <file>', 'run a plan from a file instead: a failure of the log, or its "plan" alone')
    .option('--reduce <ms>', 'for how long each failing plan may be reduced', whole, 20_000)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
  try {
    command.parse([...argv], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return { text, code: thrown.exitCode === 0 ? 0 : 2 };
  }
  const { reduce, ...options } = command.opts<LongOptions & { reduce: number }>();
  return { ...options, plan: command.getOptionValue('plan') as string | undefined, reduceMs: reduce };
}

function whole(text: string): number {
  if (/^\d{1,12}$/.test(text) && Number(text) >= 0) return Number(text);
  throw new CommanderError(2, 'rumeur.number', `error: ${JSON.stringify(text)} is no whole number\n`);
}
