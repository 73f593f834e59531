import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Plan } from '../plan/plan.js';

/** Seeds `from` to `to`, both included, were run by this version of the code. */
export interface RangeRow {
  readonly kind: 'range';
  readonly version: string;
  readonly from: number;
  readonly to: number;
  /** Seconds of real and of virtual time. */
  readonly seconds: number;
  readonly virtualSeconds: number;
  readonly failures: number;
}

export interface FailureRow {
  readonly kind: 'failure';
  readonly version: string;
  readonly seed: number;
  readonly what: string;
  readonly message: string;
  readonly plan: Plan;
}

export type LogRow = RangeRow | FailureRow;

/** What was run so far, one JSON document a line: written at once, so that a run may be stopped at any time. */
export class SimulationLog {
  readonly #path: string;
  readonly rows: LogRow[] = [];

  constructor(path: string) {
    this.#path = path;
    if (!existsSync(path)) return;
    // The last line is cut when the machine died while it was written.
    for (const line of readFileSync(path, 'utf8').split('\n'))
      if (line.endsWith('}')) this.rows.push(parsed(line));
  }

  add(row: LogRow): void {
    this.rows.push(row);
    appendFileSync(this.#path, `${JSON.stringify(row)}\n`);
  }

  /** Whether that version has run all of these seeds. */
  hasRun(version: string, from: number, to: number): boolean {
    let next = from;
    const ranges = this.rows
      .filter((row) => row.kind === 'range')
      .filter((row) => row.version === version)
      .sort((a, b) => a.from - b.from);
    for (const range of ranges) if (range.from <= next) next = Math.max(next, range.to + 1);
    return next > to;
  }
}

const parsed = (line: string): LogRow => JSON.parse(line) as LogRow;
