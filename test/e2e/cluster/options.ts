import { Command, CommanderError } from 'commander';

export const PHASES = ['idle', 'calm', 'stalled', 'slow', 'churn'] as const;
export type Phase = (typeof PHASES)[number];

export interface ClusterOptions {
  readonly peers: number;
  readonly storage: 'lmdb' | 'memory';
  /** How long peers are killed and restarted. */
  readonly seconds: number;
  /** How long the calm phase and the idle one last each. */
  readonly calm: number;
  /** Writes a second. */
  readonly rate: number;
  /** Between two kills on average. */
  readonly killEvery: number;
  /** What one message takes longer on the slow link, milliseconds. */
  readonly slowMs: number;
  readonly phases: readonly Phase[];
  readonly seed: number;
  readonly json: boolean;
}

/** @returns the options, or what to print instead with its exit code */
export function parseOptions(argv: readonly string[]): ClusterOptions | { text: string; code: number } {
  let text = '';
  const write = (part: string): void => void (text += part);
  const command = new Command('cluster')
    .description(
      'Starts real peers that know one other each, and measures what their mesh costs: at rest, under a calm load beside the simulator, with a stalled and with a slow peer, and while half of them are killed and restarted.',
    )
    .option('--peers <n>', 'how many peers, 4 to 50', whole, 20)
    .option('--storage <engine>', 'lmdb or memory', storage, 'lmdb')
    .option('--seconds <n>', 'how long peers are killed and restarted', whole, 300)
    .option('--calm <n>', 'how long the phases without faults last, in seconds', whole, 30)
    .option('--rate <n>', 'writes a second', whole, 20)
    .option('--kill-every <n>', 'time between two kills on average, in seconds', whole, 3)
    .option('--slow-ms <n>', 'how much later a message comes over the slow link', whole, 300)
    .option('--phases <list>', `some of ${PHASES.join(',')}`, phases, [...PHASES])
    .option('--seed <n>', 'chance for who is killed and who writes', whole, 1)
    .option('--json', 'the results as one JSON document', false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
  try {
    command.parse([...argv], { from: 'user' });
    const options = command.opts<ClusterOptions>();
    if (options.peers < 4 || options.peers > 50) fail('--peers must be 4 to 50: beyond, there is no mesh');
    return options;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    const message = text === '' ? `${thrown.message}\n` : text;
    return { text: message, code: thrown.exitCode === 0 ? 0 : 2 };
  }
}

function fail(message: string): never {
  throw new CommanderError(2, 'rumeur.option', `error: ${message}`);
}

const whole = (text: string): number =>
  /^\d{1,9}$/.test(text) ? Number(text) : fail(`${JSON.stringify(text)} is no whole number`);

const storage = (text: string): 'lmdb' | 'memory' =>
  text === 'lmdb' || text === 'memory'
    ? text
    : fail(`storage is lmdb or memory, not ${JSON.stringify(text)}`);

function phases(text: string): Phase[] {
  const wanted = text.split(',');
  for (const word of wanted)
    if (!(PHASES as readonly string[]).includes(word)) fail(`no phase is named ${JSON.stringify(word)}`);
  return PHASES.filter((phase) => wanted.includes(phase));
}
