import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { ENGINE_NAMES, type EngineName } from '../../src/storage/engines.js';
import { describeMachine, ForeignLoad } from '../machine.js';
import type { Figures } from './figures.js';
import { type EnginesOptions, HELP, parseOptions } from './options.js';
import { measurePeers } from './peers.js';
import { measureStore } from './store.js';
import { type Round, tableOf } from './table.js';

/** Above this share of the cores the figures are not to be trusted, and of the ratios only what is far from 1. */
const QUIET = 0.05;

/** @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  let options: EnginesOptions;
  try {
    options = parseOptions(argv);
  } catch (error) {
    process.stderr.write(`bench:engines: ${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const folder = await mkdtemp(join(resolve(options.data ?? tmpdir()), 'rumeur-engines-'));
  try {
    const load = new ForeignLoad();
    const rounds = await measure(options, folder);
    const foreign = load.share() ?? 0;
    const machine = describeMachine();
    const text = options.json
      ? JSON.stringify({ machine, options, foreign, rounds })
      : `${tableOf(rounds)}\n\n${footOf(options, foreign)}`;
    process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure({ keys, rounds }: EnginesOptions, folder: string): Promise<Round[]> {
  const measured: Round[] = [];
  // The first round warms up the process and does not count.
  for (let round = 0; round <= rounds; round++) {
    const figures: Record<string, Figures> = {};
    for (const engine of inTurn(round)) {
      process.stderr.write(`bench:engines: round ${round} of ${rounds}, ${engine}\n`);
      figures[engine] = await measureOne(engine, round === 0 ? Math.ceil(keys / 10) : keys, folder);
    }
    const sorted = ENGINE_NAMES.map((name) => [name, figures[name] ?? {}] as const);
    if (round > 0) measured.push(Object.fromEntries(sorted));
  }
  return measured;
}

/** Whoever comes first in one round comes last in the next. */
const inTurn = (round: number): EngineName[] =>
  round % 2 === 0 ? [...ENGINE_NAMES] : [...ENGINE_NAMES].reverse();

async function measureOne(engine: EngineName, keys: number, folder: string): Promise<Figures> {
  const directory = await mkdtemp(join(folder, `${engine}-`));
  try {
    const store = await measureStore({ engine, keys, directory: join(directory, 'store') });
    return { ...store, ...(await measurePeers({ engine, keys, directory })) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function footOf({ keys, rounds }: EnginesOptions, foreign: number): string {
  const { cpu, cores, memoryGiB, system, node } = describeMachine();
  const disturbed =
    foreign > QUIET
      ? ` DISTURBED: other programs took ${Math.round(100 * foreign)}% of the machine; only ratios far from 1 say something.`
      : '';
  return `${keys} keys of 100 bytes; medians of ${rounds} rounds in turns, ratios formed round by round, with the least and the greatest. ${cores} x ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}.${disturbed}`;
}
