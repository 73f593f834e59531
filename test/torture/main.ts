import { parseOptions } from './options.js';
import { PARTS } from './parts.js';
import { partText, problemsOf, writeReport } from './run/report.js';
import { type PartResult, Runner } from './run/runner.js';

/** Runs what the command line asks for. @returns the exit code: 1 when anything is wrong, 3 when a part was skipped */
export async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv, PARTS);
  if ('text' in options) {
    (options.code === 0 ? process.stdout : process.stderr).write(options.text);
    return options.code;
  }
  const runner = new Runner(options);
  const interrupted = (): void => runner.stop();
  process.once('SIGINT', interrupted);
  const done: PartResult[] = [];
  for (const { part, count } of options.parts) {
    const result = await runner.run(part, count);
    done.push(result);
    process.stdout.write(options.json ? `${jsonOf(result)}\n` : `${partText(result)}\n`);
  }
  process.off('SIGINT', interrupted);
  if (options.report !== undefined) writeReport(options.report, runner.key, done);
  if (done.some((result) => problemsOf(result).unexpected > 0)) return 1;
  return done.some(({ skipped }) => skipped !== undefined) && !options.allowSkips ? 3 : 0;
}

function jsonOf(result: PartResult): string {
  const { part, wanted, results, skipped } = result;
  const bad = results.filter(({ problems }) => problems.length > 0);
  return JSON.stringify({
    part: part.name,
    wanted,
    run: results.length,
    ...(skipped === undefined ? {} : { skipped }),
    ...problemsOf(result),
    cases: bad,
  });
}
