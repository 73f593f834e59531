import { type Finding, tryPlan, trySeed } from '../hunt.js';

export interface Job {
  readonly from: number;
  readonly to: number;
  /** For how long each failing plan may be reduced, milliseconds. */
  readonly reduceMs: number;
  /** Kinds of violations of which there are enough reduced plans. */
  readonly known: readonly string[];
}

/** Which seed is run now: should the process hang or die, it was that one. */
export interface Began {
  readonly began: number;
}

export interface Report {
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  readonly virtualSeconds: number;
  readonly findings: readonly Finding[];
  /** What was done, how often. */
  readonly tally: readonly (readonly [string, number])[];
}

/** Runs the seeds of a job, one after the other. */
export function work(job: Job, tell: (began: Began) => void): Report {
  const begin = performance.now();
  const findings: Finding[] = [];
  const tally = new Map<string, number>();
  let virtualMs = 0;
  for (let seed = job.from; seed <= job.to; seed++) {
    tell({ began: seed });
    const result = trySeed(seed, 0);
    if (!result.ok) {
      findings.push(reduced(result.finding, job));
      continue;
    }
    virtualMs += result.outcome.world.now;
    for (const [what, n] of result.outcome.tally) tally.set(what, (tally.get(what) ?? 0) + n);
  }
  const seconds = (performance.now() - begin) / 1000;
  const { from, to } = job;
  return { from, to, seconds, virtualSeconds: virtualMs / 1000, findings, tally: [...tally] };
}

function reduced(finding: Finding, { known, reduceMs }: Job): Finding {
  if (known.includes(finding.kind)) return finding;
  const again = tryPlan(finding.plan, reduceMs);
  return again.ok ? finding : again.finding;
}

// A process of its own, which is sent one job at a time.
if (process.send) {
  process.on('message', (job: Job) => process.send?.(work(job, (began) => process.send?.(began))));
  process.on('disconnect', () => process.exit(0));
}
