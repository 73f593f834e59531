/*
 * node probe-child.js <engine> <directory> quick|full
 *
 * Reads a store as somebody who may die of it: a mapped file that is damaged ends the process, which nothing in it can
 * prevent. A dot on stdout says that it begins, and each further one that a slice of rows was read. Ends with 0 when all was read, else with one of `PROBE_EXITS`.
 */
import process from 'node:process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RumeurError } from '../../base/errors.js';
import { type EngineName, engineNamed } from '../engines.js';
import type { RowEngine } from '../rows.js';
import { PROBE_EXITS } from './probe-exits.js';
import { type Found, walk } from './walk.js';

/** Damaged rows of indexes that are left to be repaired while the peer runs. */
const FEW = 1_000;

const [, , engineName, directory = '', extent] = process.argv;
const engine = await engineNamed(engineName as EngineName);
// Nobody waits for the answer of an orphan.
process.stdin.resume().on('end', () => process.exit(PROBE_EXITS.failed));
try {
  process.exitCode = await probe(engine, directory, extent === 'quick');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitFor(engine, error);
}
process.stdin.destroy();

async function probe(of: RowEngine, where: string, quick: boolean): Promise<number> {
  const found: Found = { damagedRows: 0 };
  process.stdout.write('.');
  const store = await of.open(where, { readOnly: false });
  const slices = walk(store, quick, found);
  while (slices.next().done !== true) {
    process.stdout.write('.');
    await nextTurn();
  }
  await store.close();
  return found.damagedRows > FEW ? PROBE_EXITS.manyDamagedRows : 0;
}

/** A store of another version is for the one who asks to refuse. */
function exitFor(of: RowEngine, error: unknown): number {
  if (!(error instanceof RumeurError)) return of.isDamage(error) ? PROBE_EXITS.damaged : PROBE_EXITS.failed;
  if (error.code === 'CONFIG_INVALID') return 0;
  return error.code === 'DISK_FAILED' ? PROBE_EXITS.damaged : PROBE_EXITS.failed;
}
