import type { ExperimentResult } from '../../simulator/experiment/options.js';
import { TREES_GROW_IN } from '../../simulator/experiment/stretch.js';
import { pc } from '../colors.js';
import { table } from '../table.js';

/** Columns of a full bar. */
const WIDTH = 40;

/** A result for people. */
export function reportText(result: ExperimentResult): string {
  const { options, convergenceMs, writes, hops, redundancy, duplicates, byDeltas } = result;
  const { grafts, prunes, bytes, leastBytes, bytesPerPeer, spread } = result;
  const { loss, crash, partitionMs, seed } = options;
  const faults = [
    `${loss}% of broadcast messages lost`,
    `${crash}% of peers crash`,
    partitionMs > 0 ? `split in two for ${time(partitionMs)}` : 'never split',
  ];
  const rows = [
    [
      'converged',
      convergenceMs === null ? 'not within 10 min' : `${time(convergenceMs)} after the last write or fault`,
    ],
    [
      'hops',
      `${hops.mean.toFixed(1)} on average, ${hops.last.toFixed(1)} to the last peer, ${hops.most} at most`,
    ],
    [
      'redundancy',
      `${redundancy.toFixed(2)} (received over needed, minus 1): ${duplicates} duplicates; ${(100 * byDeltas).toFixed(1)}% came by anti-entropy`,
    ],
    ...grownRows(result),
    ['tree', `${grafts} grafts, ${prunes} prunes`],
    ['sent', `${kibibytes(bytes)}, ${ratio(bytes, leastBytes)} the least possible`],
    ['sent per peer', `${kibibytes(bytesPerPeer.mean)} on average, ${kibibytes(bytesPerPeer.most)} at most`],
  ];
  return [
    `${graphText(result)}, ${writes} writes; ${faults.join(', ')}; seed ${seed}\n`,
    table(['', ''], rows).split('\n').slice(1).join('\n'),
    ...(spread.length > 0 ? [pc.bold('peers that had a write, by the time since it was made')] : []),
    ...spread.map(({ afterMs, share }) => bar(afterMs, share)),
    '',
  ].join('\n');
}

/** Which graph was played. */
function graphText({ options: { peers, degree }, links }: ExperimentResult): string {
  if (degree === 'mesh') return `${peers} peers in a mesh of ${links} links`;
  return `${peers} peers in a random graph of ${links} links, ${degree} a peer on average`;
}

/** Redundancy is that of flooding while trees grow, and in large clusters few peers write often enough. */
function grownRows({ grown, redundancy, options }: ExperimentResult): string[][] {
  if (grown.redundancy !== null) {
    const share = grown.redundancy.toFixed(2);
    return [
      [
        'grown trees',
        `${share}: of the ${grown.writes} writes before which their peers had made ${TREES_GROW_IN}`,
      ],
    ];
  }
  if (redundancy < 0.1 || options.degree === 'mesh') return [];
  const cause = `no peer wrote more than ${TREES_GROW_IN} times, so no tree has grown, and writes come nearly as often as by flooding`;
  return [
    ['grown trees', cause],
    ['', 'more --writes by fewer --writers show what is left then'],
  ];
}

function bar(afterMs: number, share: number): string {
  const filled = Math.round(share * WIDTH);
  // Rounded down: 100% is to mean all.
  const percent = Math.floor(share * 1000) / 10;
  return `${time(afterMs).padStart(8)}  ${'█'.repeat(filled)}${'·'.repeat(WIDTH - filled)} ${percent.toFixed(1)}%`;
}

function time(millis: number): string {
  if (millis < 1000) return `${Math.round(millis)} ms`;
  return millis < 60_000 ? `${(millis / 1000).toFixed(1)} s` : `${(millis / 60_000).toFixed(1)} min`;
}

const kibibytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

const ratio = (bytes: number, least: number): string =>
  least === 0 ? 'against nothing,' : `${(bytes / least).toFixed(1)} times`;
