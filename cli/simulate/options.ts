import type { ExperimentOptions } from '../../simulator/experiment/options.js';
import { RumeurError } from '../../src/base/errors.js';

/** As commander gives them: text, or nothing. */
type Written = Readonly<Record<string, unknown>>;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
const LONGEST_PARTITION_MS = 3_600_000;
/** Peers times writes: each arrival is remembered, 5 bytes. */
const MOST_ARRIVALS = 10_000_000;
/** With the usual `gossip.meshPeers`, 50 other peers, all are linked to all up to here. */
export const MOST_IN_MESH = 51;
/** Links of a peer in a random graph, on average. */
const USUAL_DEGREE = 5;

/** @throws RumeurError `ARGUMENT_INVALID` */
export function experimentOptions(written: Written): ExperimentOptions {
  const peers = whole(written, 'peers', 10, 2, 10_000);
  const writes = whole(written, 'writes', 100, 1, 10_000);
  if (peers * writes > MOST_ARRIVALS) {
    const most = Math.floor(MOST_ARRIVALS / peers);
    throw invalid(`--writes ${writes} is too much for ${peers} peers: at most ${most}`);
  }
  return {
    peers,
    degree: degreeOf(written, peers),
    writers: whole(written, 'writers', peers, 1, peers),
    loss: whole(written, 'loss', 0, 0, 90),
    crash: whole(written, 'crash', 0, 0, 100),
    partitionMs: duration(written, 'partition'),
    writes,
    seed: whole(written, 'seed', 1, 0, Number.MAX_SAFE_INTEGER),
  };
}

/** What a user would have: a mesh, where there are so few peers that they form one. */
function degreeOf(written: Written, peers: number): number | 'mesh' {
  if (written['degree'] === undefined) return peers <= MOST_IN_MESH ? 'mesh' : USUAL_DEGREE;
  const degree = whole(written, 'degree', USUAL_DEGREE, 1, 64);
  if (degree < peers) return degree;
  throw invalid(`--degree ${degree} is too much for ${peers} peers: each has at most ${peers - 1} others`);
}

function whole(written: Written, name: string, byDefault: number, least: number, most: number): number {
  const text = written[name];
  if (text === undefined) return byDefault;
  const number = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw invalid(`--${name} ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
}

/** `500ms`, `30s`, `2m` */
function duration(written: Written, name: string): number {
  const text = written[name];
  if (text === undefined) return 0;
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|m)$/.exec(typeof text === 'string' ? text : '') ?? [];
  const millis = Number(digits) * (UNITS[unit] ?? NaN);
  if (millis <= LONGEST_PARTITION_MS) return millis;
  throw invalid(`--${name} ${JSON.stringify(text)} is not a time up to 60m, such as 500ms, 30s or 2m`);
}

const invalid = (message: string): RumeurError =>
  new RumeurError('ARGUMENT_INVALID', message, { hint: 'rumeur help simulate shows how it goes' });
