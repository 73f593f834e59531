import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minutesOf, parseOptions } from './options.js';
import { predict } from './prediction.js';
import { type Predictions, reportOf } from './report.js';
import { ClusterRun, type Results } from './run.js';

const EQUAL_WITHIN_MS = 10_000;

/** @returns the exit code: 0 when all went as it must, 1 when not, 2 for bad options */
export async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv);
  if ('text' in options) {
    (options.code === 0 ? process.stdout : process.stderr).write(options.text);
    return options.code;
  }
  process.stderr.write(`about ${minutesOf(options)} minutes, longer where the machine has other work\n`);
  const run = await ClusterRun.open(options, (line) => process.stderr.write(`${line}\n`));
  const stop = (): void => void run.close().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await run.run();
    return faultsOf(run.results) ? 1 : 0;
  } catch (error) {
    const folder = mkdtempSync(join(tmpdir(), 'rumeur-cluster-'));
    for (const { name, log } of run.mesh.peers) writeFileSync(join(folder, `${name}.log`), log);
    process.stderr.write(`cluster: ${String(error)}\nthe logs are in ${folder}\n`);
    return 1;
  } finally {
    await run.close();
    const { results } = run;
    const predictions = predictionsOf(results);
    const text = options.json
      ? JSON.stringify({ options, results, predictions })
      : reportOf(options, results, predictions);
    process.stdout.write(`${text}\n`);
  }
}

function predictionsOf({ calm, churn }: Results): Predictions {
  process.stderr.write('the simulator plays the same\n');
  return {
    ...(calm ? { calm: predict(calm.course) } : {}),
    ...(churn ? { churn: predict(churn.course) } : {}),
  };
}

function faultsOf({ churn, lost = [], errors = [] }: Results): boolean {
  const isLate = churn !== undefined && (churn.equalMs > EQUAL_WITHIN_MS || churn.downAtEnd.length > 0);
  return isLate || lost.length + errors.length > 0;
}
