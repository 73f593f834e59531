import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { codeVersion } from '../../simulation/long/version.js';
import type { TortureOptions } from '../options.js';
import { missingTool } from '../tools/debian.js';
import { scratch } from '../tools/places.js';
import { Journal, type RunKey } from './journal.js';
import type { CaseResult, Context, OpenPart, Part } from './part.js';
import { Progress } from './progress.js';

/** What became of one part: its cases of this run and of those before it that belong to it. */
export interface PartResult {
  readonly part: Part;
  readonly wanted: number;
  readonly results: readonly CaseResult[];
  /** Why it was not run. */
  readonly skipped?: string;
}

/** What decides what a case does. */
const FOLDERS = ['src', 'test/torture', 'test/e2e/chaos', 'test/tools'];

export const runKeyOf = ({ seed, storage }: Pick<TortureOptions, 'seed' | 'storage'>): RunKey => ({
  version: codeVersion(FOLDERS),
  seed,
  storage,
});

/** Runs parts one after the other, until all is done or the time is over. */
export class Runner {
  readonly #options: TortureOptions;
  readonly #key: RunKey;
  readonly #until: number;
  #isStopped = false;

  constructor(options: TortureOptions) {
    this.#options = options;
    this.#key = runKeyOf(options);
    this.#until = performance.now() + options.minutes * 60_000;
  }

  get key(): RunKey {
    return this.#key;
  }

  /** Begins no further chunk. */
  stop(): void {
    this.#isStopped = true;
  }

  get #isOver(): boolean {
    return this.#isStopped || performance.now() > this.#until;
  }

  async run(part: Part, count: number): Promise<PartResult> {
    const missing = part.tools.map(missingTool).find((why) => why !== undefined);
    if (missing !== undefined) {
      process.stderr.write(`SKIPPED: ${part.name}: ${missing}\n`);
      return { part, wanted: count, results: [], skipped: missing };
    }
    const journal = new Journal(resolve(this.#options.journal, `${part.name}.ndjson`));
    const folder = mkdtempSync(join(scratch(), `rumeur-torture-${part.name}-`));
    try {
      const { seed, storage } = this.#options;
      const keep = resolve(this.#options.journal, 'kept');
      return await this.#runIn({ folder, seed, storage, keep }, journal, part, count);
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  async #runIn(context: Context, journal: Journal, part: Part, count: number): Promise<PartResult> {
    const open = await part.open(context, count);
    try {
      const done = new Set(this.#options.again ? [] : journal.of(this.#key).map(({ id }) => id));
      const todo = open.cases.filter((id) => !done.has(id));
      const progress = new Progress(part.name, todo.length);
      const chunks = chunksOf(todo, open.chunk);
      const workers = Math.min(this.#options.workers ?? part.workers, chunks.length);
      await Promise.all(
        Array.from({ length: workers }, () => this.#work(open, part, chunks, journal, progress)),
      );
      progress.end();
      const cases = new Set(open.cases);
      const results = journal.of(this.#key).filter(({ id }) => cases.has(id));
      return { part, wanted: open.cases.length, results };
    } finally {
      await open.close();
    }
  }

  async #work(
    open: OpenPart,
    part: Part,
    chunks: string[][],
    journal: Journal,
    progress: Progress,
  ): Promise<void> {
    for (let chunk = chunks.shift(); chunk && !this.#isOver; chunk = chunks.shift()) {
      for await (const result of open.run(chunk)) {
        journal.add({ ...this.#key, part: part.name, ...result });
        progress.add(result.problems.length > 0);
      }
    }
  }
}

function chunksOf(ids: readonly string[], size: number): string[][] {
  const chunks: string[][] = [];
  for (let at = 0; at < ids.length; at += size) chunks.push(ids.slice(at, at + size));
  return chunks;
}
