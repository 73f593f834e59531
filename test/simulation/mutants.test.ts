import { afterAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { MUTANTS } from './mutants.js';
import { huntMutant } from './mutants/mutant.js';

/** Within so many seeds a rule that is taken out must be missed. */
const SEEDS = 60;
/** Names the file for a table of what was found. */
const TABLE_VARIABLE = 'RUMEUR_MUTANTS_TABLE';

const rows: string[] = [];

afterAll(() => {
  const path = process.env[TABLE_VARIABLE];
  if (path)
    writeFileSync(path, `${['| Taken out | Seeds | Found |', '| - | -: | - |', ...rows].join('\n')}\n`);
});

describe('the simulator finds what breaks when a rule is taken out', () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', (_, mutant) => {
    const { seeds, finding } = huntMutant(mutant, SEEDS);
    const violation = finding ? `${finding.kind}: ${finding.message}` : `nothing in ${seeds} seeds`;
    rows.push(`| ${mutant.name} | ${seeds} | \`${finding?.kind ?? 'nothing'}\` |`);
    expect(violation).toMatch(mutant.found);
  });
});
