import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CaseResult } from './part.js';

/** A line of the journal: which code, under which seed and engine, and what became of the case. */
export interface JournalRow extends CaseResult {
  readonly version: string;
  readonly storage: string;
  readonly seed: number;
  readonly part: string;
}

/** Which rows belong together: a case that such a run has done is not done again. */
export type RunKey = Pick<JournalRow, 'version' | 'storage' | 'seed'>;

/** What was run so far, one JSON document a line: written at once, so that a run may be stopped at any time. */
export class Journal {
  readonly #path: string;
  readonly rows: JournalRow[] = [];

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return;
    // The last line is cut when the machine died while it was written.
    for (const line of readFileSync(path, 'utf8').split('\n'))
      if (line.endsWith('}')) this.rows.push(JSON.parse(line) as JournalRow);
  }

  add(row: JournalRow): void {
    this.rows.push(row);
    appendFileSync(this.#path, `${JSON.stringify(row)}\n`);
  }

  /** The rows of such a run, the last of each case. */
  of(key: RunKey): JournalRow[] {
    const last = new Map<string, JournalRow>();
    for (const row of this.rows) if (belongs(row, key)) last.set(row.id, row);
    return [...last.values()];
  }
}

const belongs = (row: JournalRow, key: RunKey): boolean =>
  row.version === key.version && row.storage === key.storage && row.seed === key.seed;
