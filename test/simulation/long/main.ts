import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { findingText, tryPlan, type Finding } from '../hunt.js';
import { drawPlan } from '../plan/draw.js';
import type { Plan } from '../plan/plan.js';
import { SimulationLog } from './log.js';
import { type LongOptions, parseOptions } from './options.js';
import { Progress } from './progress.js';
import { codeVersion } from './version.js';
import { WorkerProcess } from './worker-process.js';
import type { Job, Report } from './worker.js';

/** Seeds of one job: what is lost at most when a run is stopped. */
const JOB_SEEDS = 50;
/** Plans of each kind of violation that are reduced; later ones are noted as they are. */
const REDUCED_OF_A_KIND = 3;

/** Runs what the command line asks for. @returns the exit code: 1 when anything was violated */
export async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv);
  if ('text' in options) {
    (options.code === 0 ? process.stdout : process.stderr).write(options.text);
    return options.code;
  }
  return options.plan === undefined ? await runSeeds(options) : runPlanFile(options.plan, options.reduceMs);
}

function runPlanFile(path: string, reduceMs: number): number {
  const read = JSON.parse(readFileSync(path, 'utf8')) as Plan | { plan: Plan };
  const result = tryPlan('plan' in read ? read.plan : read, reduceMs);
  process.stdout.write(result.ok ? 'nothing is violated\n' : `${findingText(result.finding)}\n`);
  return result.ok ? 0 : 1;
}

async function runSeeds(options: LongOptions): Promise<number> {
  const path = resolve(options.log);
  mkdirSync(dirname(path), { recursive: true });
  const log = new SimulationLog(path);
  const version = codeVersion();
  const jobs = jobsOf(options).filter(({ from, to }) => options.again || !log.hasRun(version, from, to));
  const left = jobs.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  process.stderr.write(
    `code ${version}: ${left} of ${options.seeds} seeds are to be run, in ${options.workers} processes; log ${options.log}\n`,
  );
  const hunt = new Hunt(log, version, new Progress(left), jobs);
  await Promise.all(Array.from({ length: Math.min(options.workers, jobs.length) }, () => hunt.runWorkers()));
  return hunt.end();
}

function jobsOf({ from, seeds, reduceMs }: LongOptions): Job[] {
  const jobs: Job[] = [];
  for (let first = from; first < from + seeds; first += JOB_SEEDS) {
    jobs.push({ from: first, to: Math.min(first + JOB_SEEDS, from + seeds) - 1, reduceMs, known: [] });
  }
  return jobs;
}

/** Hands jobs to processes, and keeps what they report. */
class Hunt {
  readonly #log: SimulationLog;
  readonly #version: string;
  readonly #progress: Progress;
  readonly #jobs: Job[];
  readonly #kinds = new Map<string, number>();
  #failures = 0;

  constructor(log: SimulationLog, version: string, progress: Progress, jobs: readonly Job[]) {
    this.#log = log;
    this.#version = version;
    this.#progress = progress;
    this.#jobs = [...jobs];
  }

  /** One process after the other, as long as there are jobs: a seed may bring one down. */
  async runWorkers(): Promise<void> {
    while (this.#jobs.length > 0) {
      const worker = new WorkerProcess();
      for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
        const known = [...this.#kinds].filter(([, n]) => n >= REDUCED_OF_A_KIND).map(([kind]) => kind);
        const answer = await worker.ask({ ...job, known });
        if ('died' in answer) {
          this.#died(job, answer.died, answer.why);
          break;
        }
        this.#take(answer);
      }
      worker.end();
    }
  }

  #died(job: Job, seed: number, why: string): void {
    this.#found({ seed, kind: 'died', message: why, plan: drawPlan(seed), tries: 0 });
    if (seed < job.to) this.#jobs.unshift({ ...job, from: seed + 1 });
    if (seed > job.from) this.#jobs.unshift({ ...job, to: seed - 1 });
    this.#progress.add(1, 1, 0, 0);
  }

  #take({ from, to, seconds, virtualSeconds, findings }: Report): void {
    for (const finding of findings) this.#found(finding);
    const failures = findings.length;
    this.#log.add({ kind: 'range', version: this.#version, from, to, seconds, virtualSeconds, failures });
    this.#progress.add(to - from + 1, failures, seconds, virtualSeconds);
  }

  #found(finding: Finding): void {
    const { seed, kind, message, plan } = finding;
    this.#failures++;
    const seen = (this.#kinds.get(kind) ?? 0) + 1;
    this.#kinds.set(kind, seen);
    this.#log.add({ kind: 'failure', version: this.#version, seed, what: kind, message, plan });
    if (seen <= REDUCED_OF_A_KIND) process.stdout.write(`\n${findingText(finding)}\n`);
  }

  end(): number {
    this.#progress.end();
    for (const [kind, n] of this.#kinds) process.stdout.write(`${String(n).padStart(6)}  ${kind}\n`);
    process.stdout.write(`${this.#progress.text()}\n`);
    return this.#failures > 0 ? 1 : 0;
  }
}
