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

/** Seconds that it takes, about: phases that are not as long as the options say, a peer's start, and what is around it all. */
const AROUND: Readonly<Record<Phase, number>> = { idle: 15, calm: 0, stalled: 25, slow: 25, churn: 0 };
const START_SECONDS = 0.5;
const JUDGE_SECONDS = 30;

/** How long a run takes on a machine with no other work, about. */
export function minutesOf({ peers, phases, calm, seconds }: ClusterOptions): number {
  const own = { idle: calm, calm, stalled: 0, slow: 0, churn: seconds };
  const inPhases = phases.reduce((sum, phase) => sum + AROUND[phase] + own[phase], 0);
  return Math.ceil((peers * START_SECONDS + inPhases + JUDGE_SECONDS) / 60);
}

/** @returns the options, or what to print instead with its exit code */
export function parseOptions(argv: readonly string[]): ClusterOptions | { text: string; code: number } {
  let text = '';
  const write = (part: string): void => void (text += part);
  const command = new Command('cluster')
    .description(
      'Starts real peers that know one other each, and measures what their mesh costs: at rest, under a calm load beside the simulator, with a stalled and with a slow peer, and while half of them are killed and restarted. Takes about 8 minutes as it is.',
    )
    .option('--peers <n>', 'how many peers, 4 to 50', whole('--peers', 4, 50), 20)
    .option('--storage <engine>', 'lmdb or memory', storage, 'lmdb')
    .option('--seconds <n>', 'how long peers are killed and restarted', whole('--seconds'), 300)
    .option('--calm <n>', 'how long the phases without faults last, in seconds', whole('--calm'), 30)
    .option('--rate <n>', 'writes a second', whole('--rate'), 20)
    .option('--kill-every <n>', 'time between two kills on average, in seconds', whole('--kill-every'), 3)
    .option('--slow-ms <n>', 'how much later a message comes over the slow link', whole('--slow-ms'), 300)
    .option('--phases <list>', `some of ${PHASES.join(',')}`, phases, [...PHASES])
    .option('--seed <n>', 'chance for who is killed and who writes', whole('--seed'), 1)
    .option('--json', 'the results as one JSON document', false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
  try {
    command.parse([...argv], { from: 'user' });
    return command.opts<ClusterOptions>();
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    const message = text === '' ? `${thrown.message}\n` : text;
    return { text: message, code: thrown.exitCode === 0 ? 0 : 2 };
  }
}

function fail(message: string): never {
  throw new CommanderError(2, 'rumeur.option', `error: ${message}`);
}

const whole =
  (name: string, least = 0, most = 999_999_999) =>
  (text: string): number => {
    const isWhole = /^\d{1,9}$/.test(text);
    if (isWhole && Number(text) >= least && Number(text) <= most) return Number(text);
    const range = least === 0 ? '' : ` from ${least} to ${most}`;
    return fail(`${name} takes a whole number${range}, not ${JSON.stringify(text)}`);
  };

const storage = (text: string): 'lmdb' | 'memory' =>
  text === 'lmdb' || text === 'memory'
    ? text
    : fail(`--storage takes lmdb or memory, not ${JSON.stringify(text)}`);

function phases(text: string): Phase[] {
  const wanted = text.split(',');
  for (const word of wanted)
    if (!(PHASES as readonly string[]).includes(word))
      fail(`--phases: no phase is named ${JSON.stringify(word)}`);
  return PHASES.filter((phase) => wanted.includes(phase));
}
