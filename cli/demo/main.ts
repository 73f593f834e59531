import { parseArgs } from 'node:util';
import { errorText } from '../output.js';
import { RumeurError } from '../../src/base/errors.js';
import { loadCities } from './cities.js';
import { Observer } from './observer.js';
import { count, Screen } from './screen.js';
import { Stage } from './stage.js';
import { ROLES, Story } from './story.js';

const HELP = `npm run demo -- [options]

Starts three peers, writes real data through one of them, kills another in the middle, lets a fourth
join and the killed one come back, and checks that all four end up with the same.

  --records <n>   how many cities at most (default: all)
  --within <s>    how long the peers may take to agree after the last write (default 120)
`;
/** As a shell reports a death by SIGINT. */
const INTERRUPTED = 130;

interface DemoOptions {
  readonly records: number;
  readonly agreeWithinMs: number;
}

/** @returns the exit code: 0 when all peers agreed, 1 when something went wrong, 2 for wrong arguments */
export async function main(argv: readonly string[]): Promise<number> {
  let options: DemoOptions | undefined;
  try {
    options = parseOptions(argv);
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options) return perform(options);
  process.stdout.write(HELP);
  return 0;
}

/** @returns `undefined` when help is wanted */
function parseOptions(argv: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      records: { type: 'string', default: String(Number.MAX_SAFE_INTEGER) },
      within: { type: 'string', default: '120' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    records: positive('--records', values.records),
    agreeWithinMs: 1000 * positive('--within', values.within),
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`${name} takes a whole number above 0, not '${text}'`);
}

async function perform({ records, agreeWithinMs }: DemoOptions): Promise<number> {
  const data = await loadCities(records);
  const screen = new Screen(data.entries.length);
  screen.print(
    `Four peers and ${count(data.entries.length)} cities: a write to any peer reaches all, whatever happens.\n`,
  );
  const stage = await Stage.set(ROLES);
  clearAtTheEnd(stage, screen);
  const observer = new Observer(stage, (peers) => screen.show(peers));
  const story = new Story(stage, screen, observer, data, { agreeWithinMs });
  try {
    await Promise.race([stage.accident, Promise.all([story.play(), observer.run()])]);
    await stage.close();
    return 0;
  } catch (error) {
    const cause = await stage.causeOf(error);
    screen.end();
    process.stderr.write(`demo: ${reasonOf(cause)}\n`);
    return 1;
  } finally {
    observer.stop();
    screen.end();
    stage.clear();
  }
}

/** Whatever ends this process: no peer and no folder stays. */
function clearAtTheEnd(stage: Stage, screen: Screen): void {
  process.once('exit', () => stage.clear());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      screen.end();
      process.stderr.write('demo: interrupted; ending all peers\n');
      stage.clear();
      process.exit(INTERRUPTED);
    });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof RumeurError) return errorText(error);
  return error instanceof Error ? error.message : String(error);
}
