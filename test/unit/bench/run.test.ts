import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ROWS, type Row } from '../../../bench/rows.js';

const BENCH = fileURLToPath(new URL('../../../scripts/bench.mjs', import.meta.url));
const run = promisify(execFile);

describe('npm run bench', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rumeur-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('measures the figures of a scenario on both sides, and leaves nothing behind', async () => {
    const only = 'write';
    const argv = [BENCH, '--quick', '--only', only, '--keys', '200', '--json', '--data', folder];
    const { stdout } = await run(process.execPath, argv, { maxBuffer: 2 ** 24 });
    const { rows } = JSON.parse(stdout) as { rows: Row[] };
    const wanted = ROWS.filter(({ scenario }) => scenario === only);
    expect(rows.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
    // Memory of so few keys is noise, also below 0.
    for (const { scenario, figure, ours, plain } of rows) {
      if (figure === 'memory' || figure === 'anonymous') continue;
      const both = `${scenario} ${figure}: ${ours.median} and ${plain.median}`;
      expect([both, ours.median > 0 && plain.median > 0]).toEqual([both, true]);
    }
    expect(await readdir(folder)).toEqual([]);
  }, 120_000);

  test('an unknown scenario is refused with the help', async () => {
    const failure = await run(process.execPath, [BENCH, '--only', 'speed']).catch((error: unknown) => error);
    const { code, stderr } = failure as { code: number; stderr: string };
    expect(code).toBe(2);
    expect(stderr).toContain("there is no scenario 'speed'");
    expect(stderr).toContain('--quick');
  });
});
