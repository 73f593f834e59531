import Table from 'cli-table3';
import { type Cost, linksOf } from './counts.js';
import type { ClusterOptions } from './options.js';
import type { Compared, Memory, Results, Trouble } from './run.js';

/** What the simulator says of the phases that it can play. */
export interface Predictions {
  calm?: Cost;
  churn?: Cost;
}

type Row = [what: string, found: string];

/** The results for people. */
export function reportOf(options: ClusterOptions, results: Results, predictions: Predictions): string {
  const { peers, storage, seed } = options;
  const table = new Table({ style: { head: [], border: [] } });
  table.push(
    ['peers', `${peers}, storage ${storage}, each naming one; seed ${seed}`],
    ...joinRows(peers, results),
    ...troubleRows('a peer stalled for 5 s', results.stalled),
    ...troubleRows('a peer that runs 15% of the time', results.slow),
    ...churnRows(results.churn),
    ...endRows(results),
  );
  const costs = [
    costTable('calm', results.calm, predictions.calm),
    costTable('while half of them are killed', results.churn, predictions.churn),
  ];
  return [table.toString(), ...costs].filter((text) => text !== '').join('\n');
}

function joinRows(peers: number, { joinedMs = NaN, formedMs = NaN, first, idle }: Results): Row[] {
  const rows: Row[] = [
    ['all started', `in ${seconds(joinedMs)}`],
    ['one mesh, one link for each pair', `${seconds(formedMs)} after the last had started`],
  ];
  if (first) {
    const { writes = 0, pushesReceived = 0, pushesDuplicate = 0 } = first;
    const needed = writes * (peers - 1);
    rows.push([
      'the first writes',
      `${writes}: ${pushesReceived} pushes came, ${needed} had to; ${pushesDuplicate} twice`,
    ]);
  }
  if (idle)
    rows.push([
      'idle traffic',
      `${Math.round(idle.bytesPerLinkAndSecond)} bytes/s a link, over ${Math.round(idle.seconds)} s`,
    ]);
  return rows;
}

function troubleRows(what: string, trouble: Trouble | undefined): Row[] {
  if (!trouble) return [];
  return [
    [what, trouble.said.length === 0 ? 'nobody called suspect or down' : wrapped(summaryOf(trouble.said))],
    ['  events in all logs', eventsText(trouble.events)],
  ];
}

/** Who was said to be what, by how many. */
function summaryOf(said: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const line of said) {
    const about = line.split(' says of ')[1] ?? line;
    counts.set(about, (counts.get(about) ?? 0) + 1);
  }
  return [...counts].map(([about, count]) => `${about} (by ${count})`).join(', ');
}

function churnRows(churn: Results['churn']): Row[] {
  if (!churn) return [];
  return [
    ['kill -9 and restart', `${churn.kills} times`],
    ['all equal', `${seconds(churn.equalMs)} after the last restart`],
    ['one mesh again', `${seconds(churn.formedMs)} after the last restart`],
    ['round trip of the slow link', `${churn.slowLinkMs ?? '?'} ms`],
    [
      'called down or suspect at the end',
      churn.downAtEnd.length === 0 ? 'nobody' : wrapped(summaryOf(churn.downAtEnd)),
    ],
    ['memory of who was not killed, each, over the time', wrapped(churn.memory.map(memoryText).join(', '))],
    [
      '  the most that one had',
      wrapped(churn.memory.map(({ ownMost }) => `${megabytes(ownMost)} MB`).join(', ')),
    ],
    ['  events in all logs', eventsText(churn.events)],
  ];
}

function endRows({ acknowledged = 0, unanswered = 0, refused = {}, lost = [], errors = [] }: Results): Row[] {
  return [
    ['writes', `${acknowledged} acknowledged, ${unanswered} unanswered, refused: ${eventsText(refused)}`],
    ['acknowledged and lost', lost.length === 0 ? 'none' : `${lost.length}: ${lost.slice(0, 3).join('; ')}`],
    ['errors in the logs', errors.length === 0 ? 'none' : wrapped(errors.slice(0, 3).join(' | '))],
  ];
}

function costTable(when: string, found: Compared | undefined, predicted: Cost | undefined): string {
  if (!found || !predicted) return '';
  const { peers, busyMs } = found.course;
  const links = linksOf(peers);
  const table = new Table({ head: [when, 'real', 'simulator', 'ratio'], style: { head: [], border: [] } });
  const add = (name: string, of: (cost: Cost) => number): void => {
    const [real, simulated] = [of(found.real), of(predicted)];
    table.push([
      name,
      number(real),
      number(simulated),
      simulated === 0 ? '-' : (real / simulated).toFixed(2),
    ]);
  };
  add('writes', ({ writes }) => writes);
  add('pushes that came, for each that had to', ({ redundancy }) => redundancy);
  add('duplicates for each write', ({ duplicates }) => duplicates);
  add('haves for each write', ({ haves }) => haves);
  add('haves for each write and link', ({ haves }) => haves / links);
  add('grafts for each write', ({ grafts }) => grafts);
  add('prunes for each write', ({ prunes }) => prunes);
  add('entries by anti-entropy for each write', ({ byDeltas }) => byDeltas);
  add('bytes for each write', ({ bytes }) => bytes);
  table.push(['half of a round trip, ms', number(busyMs), number(busyMs), '-']);
  return table.toString();
}

const number = (value: number): string =>
  value === 0 || value >= 100 ? String(Math.round(value)) : value.toPrecision(3);

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const memoryText = ({ ownMean }: Memory): string => `${megabytes(ownMean)} MB`;

const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

function eventsText(counts: Record<string, number>): string {
  const all = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return all.length === 0 ? 'none' : wrapped(all.map(([name, count]) => `${name} ${count}`).join(', '));
}

/** In lines of a table that fit a terminal. */
const wrapped = (text: string): string => text.replace(/(.{50,70}?)[ ,] ?/g, '$1\n');
