import { parseArgs } from 'node:util';

export interface GossipOptions {
  readonly help: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  readonly seeds: number;
  /** Names of tables; empty for all. */
  readonly only: readonly string[];
}

export const HELP = `npm run bench:gossip -- [options]

Measures how news travels, over broadcast trees and by flooding, in simulated clusters of up to 10,000 peers,
and prints tables in Markdown. Except for \`speed\`, the same seeds give the same figures on any machine.

  --quick         smaller clusters, in a fraction of the time
  --seeds <n>     seeds of each row, from 1 on (default 1); the largest clusters run once
  --only <names>  of redundancy, hops, crash, loss, prune, speed; separated by commas
  --json          prints the figures of every run as JSON
`;

/** @throws Error that says what is wrong with the arguments */
export function parseGossipOptions(argv: readonly string[], tables: readonly string[]): GossipOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      seeds: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const { quick, json, help } = values;
  const only = values.only?.split(',') ?? [];
  const unknown = only.find((name) => !tables.includes(name));
  if (unknown !== undefined) throw new Error(`there is no table '${unknown}', but ${tables.join(', ')}`);
  return { help, json, quick, seeds: seedsOf(values.seeds ?? '1'), only };
}

function seedsOf(text: string): number {
  const seeds = Number(text);
  if (Number.isSafeInteger(seeds) && seeds > 0 && seeds <= 100) return seeds;
  throw new Error(`--seeds takes a whole number from 1 to 100, not '${text}'`);
}
