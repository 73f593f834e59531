import { Command, CommanderError } from 'commander';
import type { Part } from './run/part.js';

export interface TortureOptions {
  /** The parts to run, in order, and how many cases of each. */
  readonly parts: readonly { readonly part: Part; readonly count: number }[];
  readonly seed: number;
  readonly storage: string;
  /** No new case is begun after so long. */
  readonly minutes: number;
  readonly workers: number | undefined;
  /** Whether what is done is printed as JSON, a line for each part. */
  readonly json: boolean;
  /** Cases that this very code has been through before are run again. */
  readonly again: boolean;
  /** Parts that lack a tool do not count as failed. */
  readonly allowSkips: boolean;
  /** A file whose tables between the marks are replaced. */
  readonly report: string | undefined;
  readonly journal: string;
}

interface Raw extends Omit<TortureOptions, 'parts' | 'workers' | 'report'> {
  readonly only?: string;
  readonly workers?: number;
  readonly report?: string | true;
}

/** @returns the options, or what to print instead with its exit code */
export function parseOptions(
  argv: readonly string[],
  parts: readonly Part[],
): TortureOptions | { text: string; code: number } {
  let text = '';
  const command = commandFor(parts, (part) => void (text += part));
  try {
    command.parse([...argv], { from: 'user' });
    const { only, report, workers, ...raw } = command.opts<Raw>();
    return {
      ...raw,
      workers,
      report: report === true ? 'docs/TORTURE.md' : report,
      parts: chosen(parts, command, only),
    };
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return { text: text || thrown.message, code: thrown.exitCode === 0 ? 0 : 2 };
  }
}

function commandFor(parts: readonly Part[], write: (text: string) => void): Command {
  const command = new Command('torture')
    .description('Breaks disk, machine and clock under real peers; goes on where it was stopped.')
    .option('--only <parts>', `only these parts, with commas: ${parts.map(({ name }) => name).join(', ')}`)
    .option('--seed <n>', 'draws other cases', whole, 1)
    .option('--storage <engine>', 'the storage engine, as the config calls it', 'lmdb')
    .option('--minutes <n>', 'begin no further case after so long', whole, 60)
    .option('--workers <n>', 'how much runs side by side; default: as each part likes', whole)
    .option('--again', 'also cases that this very code has been through before', false)
    .option('--allow-skips', 'a part whose tools are missing is no failure', false)
    .option('--report [file]', 'write the tables into this file; default docs/TORTURE.md')
    .option('--json', 'print the results as JSON, a line for each part', false)
    .option('--journal <folder>', 'where what was run is kept, one JSON document a line', '.rumeur/torture')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
  for (const { name, about, count } of parts)
    command.option(`--${name} <n>`, `${about}; default ${count}`, whole);
  return command;
}

/** The parts that `--only` names, else those with a count of their own, else all. */
function chosen(parts: readonly Part[], command: Command, only: string | undefined): TortureOptions['parts'] {
  const counts = command.opts<Record<string, number | undefined>>();
  const names = only?.split(',') ?? [];
  const unknown = names.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined) {
    const known = parts.map(({ name }) => name).join(', ');
    throw new CommanderError(2, 'torture.part', `error: there is no part '${unknown}', only ${known}\n`);
  }
  const counted = parts.filter(({ name }) => counts[name] !== undefined);
  const wanted =
    only !== undefined
      ? parts.filter(({ name }) => names.includes(name))
      : counted.length > 0
        ? counted
        : parts;
  return wanted.map((part) => ({ part, count: counts[part.name] ?? part.count }));
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CommanderError(2, 'torture.number', `error: ${JSON.stringify(text)} is no whole number\n`);
}
