import { expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../../cli/commands/simulate.js';
import { parseCommand } from '../../cli/program.js';
import { experimentOptions } from '../../cli/simulate/options.js';
import { reportText } from '../../cli/simulate/report.js';
import { runExperiment } from '../../simulator/experiment/experiment.js';
import { ROOT } from '../tools/markdown.js';

/** The command, and in the block that follows what it prints, or the beginning of that. */
const SHOWN = /node cli\.js simulate( [^\n`|]+)\n```\n(?:(?!```)[^])*?```text\n([^]*?)```/g;

/**
 * The same seed gives the same figures as long as the core is the same. With RUMEUR_WRITE_FIGURES=1 pages are brought up to
 * date instead of compared.
 */
test.each(['README.md', 'docs/SIMULATOR.md'])('what `simulate` prints is what %s shows', (path) => {
  const file = join(ROOT, path);
  const page = readFileSync(file, 'utf8');
  const shown = [...page.matchAll(SHOWN)];
  expect(shown).toHaveLength(1);
  for (const [whole, words = '', former = ''] of shown) {
    const { options } = parseCommand('simulate', command, words.trim().split(' '));
    const printed = reportText(runExperiment(experimentOptions(options)));
    const part = printed
      .split('\n')
      .slice(0, former.split('\n').length - 1)
      .map((line) => `${line}\n`)
      .join('');
    if (process.env['RUMEUR_WRITE_FIGURES'] === '1')
      writeFileSync(file, page.replace(whole, whole.replace(former, part)));
    else expect(former).toBe(part);
  }
});
