import type { Strategy } from '../../simulator/experiment/cluster.js';
import { lossOf } from '../../simulator/experiment/cluster.js';
import { runCrash } from '../../simulator/experiment/crash.js';
import { runSteady, type SteadyOptions } from '../../simulator/experiment/steady.js';
import type { Figures, Metric, Row, Run, Table } from './table.js';

const BOTH: Readonly<Record<string, Strategy>> = { trees: { kind: 'tree' }, flooding: { kind: 'flood' } };

const fixed =
  (digits: number) =>
  (value: number): string =>
    value.toFixed(digits);
/** Rounded down: 100% is to mean all. */
const percent = (share: number): string =>
  share === 1 ? '100%' : `${(Math.floor(share * 1000) / 10).toFixed(1)}%`;
/** To two digits: more would be others with every change of the core. */
const about = (count: number): string => String(Number(count.toPrecision(2)));
const micros = (millis: number): string => `${(millis * 1000).toFixed(1)} us`;
const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`;

const mean = (name: string, show: Metric['show']): Metric => ({ name, over: 'mean', show });
const most = (name: string, show: Metric['show']): Metric => ({ name, over: 'most', show });
const least = (name: string, show: Metric['show']): Metric => ({ name, over: 'least', show });

/** Half of it is longer than all writes take, milliseconds. */
const NO_ROUND_MS = 60_000;

/** Floods need not learn. */
const warmUpOf = ({ kind }: Strategy, writes: number): number => (kind === 'tree' ? writes : 0);

/** @param quick smaller clusters: all within a minute */
export const tablesOf = (quick: boolean): readonly Table[] => [
  redundancy(quick),
  hops(quick),
  crash(quick),
  loss(quick),
  prune(quick),
  speed(quick),
];

function redundancy(quick: boolean): Table {
  const [mesh, large, graph] = quick ? [16, 30, 60] : [16, 51, 200];
  const row = (label: string, peers: number, degree: SteadyOptions['degree']): Row => ({
    label,
    goal: '<= 0.1',
    run: (run) => {
      const warmUp = warmUpOf(run.strategy, 5);
      const { steady } = runSteady({ ...run, peers, degree, writers: peers, warmUp, writes: 2 });
      const { stretch, traffic } = steady;
      return {
        redundancy: stretch.redundancy,
        'bytes of pushes / least': traffic.pushBytes / stretch.leastBytes,
        'all bytes / least': traffic.bytes / stretch.leastBytes,
      };
    },
  });
  return {
    name: 'redundancy',
    title: 'Redundancy, and bytes beside the theoretical minimum',
    note: 'All peers write, once a second each; measured are two writes of each after five in which trees grew. Redundancy: operations received over those needed, minus 1. The least: each write comes to each peer in one push.',
    strategies: BOTH,
    metrics: [
      most('redundancy', fixed(2)),
      mean('bytes of pushes / least', fixed(1)),
      mean('all bytes / least', fixed(1)),
    ],
    rows: [
      row(`mesh of ${mesh}`, mesh, 'mesh'),
      row(`mesh of ${large}`, large, 'mesh'),
      row(`${graph} at degree 5`, graph, 5),
      row(`${graph} at degree 8`, graph, 8),
    ],
  };
}

function hops(quick: boolean): Table {
  const row = (peers: number, degree: number, goal: string): Row => ({
    label: `${peers} at degree ${degree}`,
    goal,
    once: peers > 1000,
    run: (run) => {
      const writers = peers > 1000 ? 5 : 10;
      const warmUp = warmUpOf(run.strategy, 5);
      const { steady } = runSteady({ ...run, peers, degree, writers, warmUp, writes: 4 });
      const { last, most: longest, mean: average } = steady.stretch.hops;
      return { 'last delivery': last, 'longest way': longest, 'on average': average };
    },
  });
  const rows = quick
    ? [row(300, 5, 'none')]
    : [...[5, 6, 8].map((degree) => row(1000, degree, '<= 12')), row(10_000, 5, '<= 15')];
  return {
    name: 'hops',
    title: 'Hops',
    note: 'Ten peers (of 10,000: five) write once a second; measured are four writes of each after five. Last delivery: the longest way of a write to any peer, on average over the writes; the longest way is that of all writes.',
    strategies: BOTH,
    metrics: [mean('last delivery', fixed(1)), most('longest way', fixed(0)), mean('on average', fixed(1))],
    rows,
  };
}

function crash(quick: boolean): Table {
  const peers = quick ? 60 : 1000;
  const row = (peers: number, share: number, silent: boolean, goal: string): Row => ({
    label: `${share * 100}% of ${peers}${silent ? ', silently' : ''}`,
    goal,
    once: true,
    run: (run) => crashFigures(run, peers, share, silent),
  });
  return {
    name: 'crash',
    title: 'Crashes',
    note: 'Peers join one after the other, each naming one earlier one, and find others themselves. Some crash all at once, and ten survivors write at that very moment; half a minute later they write again. The shortest pause between two rounds of anti-entropy is 1 s. Silently: machines die, and nobody is told. The share of survivors that have the writes.',
    strategies: BOTH,
    strategiesAre: 'rows',
    metrics: [
      least('after 1 s', percent),
      least('after 2 s', percent),
      least('in the end', percent),
      most('all had it after', seconds),
      least('healed: by pushes', percent),
      least('healed: in all', percent),
    ],
    rows: [
      row(peers, 0.5, false, '100% after two rounds'),
      row(peers, 0.8, false, '99.9% after healing'),
      ...(quick ? [] : [row(300, 0.5, true, '100%')]),
    ],
  };
}

function crashFigures(run: Run, peers: number, share: number, silent: boolean): Figures {
  const result = runCrash({ ...run, peers, crash: share, silent });
  const reachedAfter = (ms: number): number | null =>
    result.reached.find(({ afterMs }) => afterMs === ms)?.share ?? null;
  return {
    'after 1 s': reachedAfter(1000),
    'after 2 s': reachedAfter(2000),
    'in the end': result.reachedInTheEnd,
    'all had it after': result.allMs,
    'healed: by pushes': result.healed.pushed,
    'healed: in all': result.healed.share,
  };
}

function loss(quick: boolean): Table {
  const graph = quick ? 60 : 200;
  const row = (
    label: string,
    goal: string,
    options: Pick<SteadyOptions, 'peers' | 'degree' | 'lost'>,
  ): Row => ({
    label,
    goal,
    run: (run) => {
      const { steady, convergenceMs } = runSteady({
        ...run,
        ...options,
        writers: 16,
        warmUp: 4,
        writes: 8,
        antiEntropyMs: NO_ROUND_MS,
      });
      return {
        'before anti-entropy': steady.reached,
        'in the end': convergenceMs === null ? steady.stretch.share : 1,
        grafts: steady.traffic.messages['graft'] ?? 0,
        redundancy: steady.stretch.redundancy,
      };
    },
  });
  return {
    name: 'loss',
    title: 'Lost messages',
    note: 'Of pushes, haves, grafts and prunes 2% vanish, although links live on; and, further below, every single have, graft and prune. 16 peers write. Anti-entropy begins only when all has been written: before, there are just pushes, unasked or asked for. Of all pairs of a write and a peer, those in which it has arrived.',
    strategies: BOTH,
    metrics: [
      least('before anti-entropy', percent),
      least('in the end', percent),
      mean('grafts', about),
      mean('redundancy', fixed(2)),
    ],
    rows: [
      row(`${graph} at degree 5, 2% lost`, '99.9%, then 100%', {
        peers: graph,
        degree: 5,
        lost: lossOf(0.02),
      }),
      row('mesh of 16, 2% lost', '99.9%, then 100%', { peers: 16, degree: 'mesh', lost: lossOf(0.02) }),
      row(`${graph} at degree 5, every have, graft and prune lost`, '100%', {
        peers: graph,
        degree: 5,
        lost: { have: 1, graft: 1, prune: 1 },
      }),
    ],
  };
}

function prune(quick: boolean): Table {
  const [peers, degree] = quick ? [60, 6] : [200, 6];
  const row = (pruneAfter: number, size: number, lost?: number): Row => ({
    label: `${size} peers${lost === undefined ? '' : `, ${lost * 100}% lost`}: after ${pruneAfter}`,
    goal: 'none',
    run: ({ seed, progress }) => {
      const strategy = { kind: 'tree', pruneAfter } as const;
      const options = { seed, strategy, peers: size, degree, writers: size / 4, progress };
      const messages = lost === undefined ? {} : { lost: lossOf(lost) };
      const { warmUp, steady } = runSteady({ ...options, ...messages, warmUp: 6, writes: 12 });
      return {
        'redundancy while learning': warmUp.stretch.redundancy,
        'redundancy then': steady.stretch.redundancy,
        'prunes while learning': warmUp.traffic.messages['prune'] ?? 0,
        'prunes then': steady.traffic.messages['prune'] ?? 0,
        'grafts then': steady.traffic.messages['graft'] ?? 0,
        'last delivery': steady.stretch.hops.last,
        'bytes / least': warmUp.traffic.bytes / warmUp.stretch.leastBytes,
      };
    },
  });
  return {
    name: 'prune',
    title: 'When a link leaves a tree',
    note: `${peers} peers, and 60 of whose broadcast 2% are lost, at degree ${degree}; a quarter of them write. Links leave a tree after so many frames without news. Learning: the first six writes of each; then: twelve more.`,
    strategies: { trees: { kind: 'tree' } },
    metrics: [
      mean('redundancy while learning', fixed(2)),
      mean('redundancy then', fixed(2)),
      mean('prunes while learning', about),
      mean('prunes then', about),
      mean('grafts then', about),
      mean('last delivery', fixed(1)),
      mean('bytes / least', fixed(1)),
    ],
    rows: [...[1, 2, 3].map((n) => row(n, peers)), ...[1, 2, 3].map((n) => row(n, 60, 0.02))],
  };
}

function speed(quick: boolean): Table {
  const peers = quick ? 100 : 1000;
  const row = (
    label: string,
    goal: string,
    options: Pick<SteadyOptions, 'writers' | 'writes' | 'burst'>,
  ): Row => ({
    label: `${peers} at degree 5, ${label}`,
    goal,
    once: true,
    run: (run) => {
      const before = process.cpuUsage();
      const { steady } = runSteady({ ...run, ...options, peers, degree: 5, warmUp: 0 });
      const { user, system } = process.cpuUsage(before);
      const millis = (user + system) / 1000;
      const writes = options.writers * options.writes * (options.burst ?? 1);
      return {
        'processor time': steady.reached < 1 ? null : millis,
        'for each delivery': millis / (writes * (peers - 1)),
      };
    },
  });
  return {
    name: 'speed',
    title: 'The simulator itself',
    note: 'What a run costs on this machine, from the first peer to the last delivery, with trees that grow meanwhile: 10,000 writes (--quick: 1,000), each delivered to every other peer. This table differs from machine to machine.',
    strategies: { trees: { kind: 'tree' } },
    metrics: [mean('processor time', seconds), mean('for each delivery', micros)],
    rows: [
      row('20 peers write 25 keys at a time', '60 s', { writers: 20, writes: quick ? 2 : 20, burst: 25 }),
      row(`${peers / 5} peers write one key at a time`, '60 s', { writers: peers / 5, writes: 50 }),
    ],
  };
}
