import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describeMachine, ForeignLoad, type Machine } from './machine.js';
import { HELP, parseOptions, type BenchOptions } from './options.js';
import { evaluate, ROWS, tableOf, type Row } from './rows.js';
import { catchUp } from './scenarios/catch-up.js';
import { churn } from './scenarios/churn.js';
import { cliGet } from './scenarios/cli-get.js';
import { latency } from './scenarios/latency.js';
import type { Round, Scenario, Verdict } from './scenarios/scenario.js';
import { write } from './scenarios/write.js';

const SCENARIOS: readonly Scenario[] = [write, latency, catchUp, cliGet, churn];
/** Above this share of the cores the figures are not to be trusted. */
const QUIET = 0.05;
/** The type of Linux's memory file system, as `statfs` tells it. */
const TMPFS = 0x01021994;

interface Report {
  readonly machine: Machine;
  readonly options: BenchOptions;
  readonly seconds: number;
  /** The share of all cores that went to other programs, by scenario. */
  readonly foreign: Readonly<Record<string, number | undefined>>;
  readonly rows: readonly Row[];
  readonly rounds: Readonly<Record<string, readonly Round[]>>;
}

/** @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseOptions(argv);
    const unknown = options.only.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
    if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'`);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const report = await measure(options);
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : textOf(report));
  return verdictsOf(report).every(({ isWell }) => isWell) ? 0 : 1;
}

async function measure(options: BenchOptions): Promise<Report> {
  const folder = await mkdtemp(join(resolve(options.data ?? tmpdir()), 'rumeur-bench-'));
  if (options.profile !== undefined) await mkdir(options.profile, { recursive: true });
  try {
    await warnOfMemoryDisk(folder);
    return await runAll(options, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runAll(options: BenchOptions, folder: string): Promise<Report> {
  const begin = performance.now();
  const chosen = SCENARIOS.filter(({ name, isExtra = false }) =>
    options.only.length === 0 ? !isExtra : options.only.includes(name),
  );
  const rounds: Record<string, Round[]> = {};
  const foreign: Record<string, number | undefined> = {};
  for (const scenario of chosen) {
    const load = new ForeignLoad();
    rounds[scenario.name] = await scenario.run({
      sizes: options.sizes,
      rounds: options.rounds,
      profileDir: options.profile,
      freshDir: () => mkdtemp(join(folder, 'round-')),
      progress: (text) => void process.stderr.write(`bench: ${text}\n`),
    });
    foreign[scenario.name] = load.share();
  }
  const rows = ROWS.flatMap((spec) => evaluate(spec, rounds[spec.scenario]) ?? []);
  const seconds = Math.round((performance.now() - begin) / 1000);
  return { machine: describeMachine(), options, seconds, foreign, rows, rounds };
}

async function warnOfMemoryDisk(folder: string): Promise<void> {
  const { type } = await statfs(folder);
  if (process.platform !== 'linux' || type !== TMPFS) return;
  process.stderr.write(`bench: ${folder} lies in memory: name a folder on a disk with --data\n`);
}

/** What scenarios that were run say of themselves. */
const verdictsOf = ({ rounds }: Report): Verdict[] =>
  SCENARIOS.flatMap(({ name, judge }) => (rounds[name] && judge?.(rounds[name])) ?? []);

function textOf(report: Report): string {
  const lines = verdictsOf(report).flatMap((verdict) => verdict.lines);
  return [...(report.rows.length > 0 ? comparisonOf(report) : []), ...lines, ...footOf(report), ''].join(
    '\n',
  );
}

/** Rumeur beside the plain peer. */
function comparisonOf({ options, rows }: Report): string[] {
  const { sizes, rounds } = options;
  return [
    '',
    tableOf(rows),
    `Median (lowest-highest) of ${rounds} round${rounds === 1 ? '' : 's'}; of ${sizes.gets} pairs for CLI get. Ratios are formed round by round.`,
    `${sizes.writes} sets in write, ${sizes.keys} keys of which ${sizes.missed} were missed in join and rejoin.`,
  ];
}

function footOf({ machine, seconds, foreign }: Report): string[] {
  const { cpu, cores, memoryGiB, system, node, versions } = machine;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const disturbed = Object.entries(foreign).filter(([, share]) => (share ?? 0) > QUIET);
  return [
    `${cores} x ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}, ${packages.join(', ')}; ${seconds} s.`,
    ...disturbed.map(
      ([name, share]) =>
        `DISTURBED: other programs took ${percent(share ?? 0)} of the machine during ${name}.`,
    ),
  ];
}

const percent = (share: number): string => `${Math.round(100 * share)}%`;
