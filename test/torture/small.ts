import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isExpected } from './run/expected.js';
import type { CaseResult, Context, OpenPart, Part } from './run/part.js';
import { missingTool } from './tools/debian.js';
import { scratch } from './tools/places.js';

/** Why a part cannot run on this machine, told loudly; `undefined` when it can. */
export function skipOf(part: Part): string | undefined {
  const missing = part.tools.map(missingTool).find((why) => why !== undefined);
  if (missing !== undefined) process.stderr.write(`SKIPPED: torture, ${part.name}: ${missing}\n`);
  return missing;
}

/** Runs a few cases of a part, for a test. @param workers how many side by side */
export async function runSmall(
  open: (context: Context) => Promise<OpenPart>,
  choose: (cases: readonly string[]) => readonly string[],
  workers = 1,
): Promise<CaseResult[]> {
  const folder = mkdtempSync(join(scratch(), 'rumeur-torture-'));
  const seed = Date.now() % 2 ** 31;
  const part = await open({ folder, seed, storage: 'lmdb', keep: join(folder, 'kept') });
  try {
    const todo = [...choose(part.cases)];
    const results: CaseResult[] = [];
    const work = async (): Promise<void> => {
      for (let ids = todo.splice(0, part.chunk); ids.length > 0; ids = todo.splice(0, part.chunk))
        for await (const result of part.run(ids)) results.push(withSeed(result, seed));
    };
    await Promise.all(Array.from({ length: workers }, work));
    return results;
  } finally {
    await part.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** So that a case that fails can be drawn again. */
const withSeed = (result: CaseResult, seed: number): CaseResult => ({
  ...result,
  problems: result.problems.map(({ kind, text }) => ({ kind, text: `seed ${seed}: ${text}` })),
});

/** What nobody expects, a line each. */
export const unexpectedIn = (part: Part, results: readonly CaseResult[]): string[] =>
  results.flatMap(({ id, problems }) =>
    problems
      .filter(({ kind }) => !isExpected(part.name, kind))
      .map(({ kind, text }) => `${id}: ${kind}: ${text}`),
  );
