import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { helpText } from '../../../cli/program.js';
import { experimentOptions } from '../../../cli/simulate/options.js';
import { reportText } from '../../../cli/simulate/report.js';
import { progressText } from '../../../cli/simulate/virtual-clock.js';
import { Progress, TerminalLine } from '../../../cli/transfer/progress.js';
import { addMesh, measured } from '../../../simulator/experiment/cluster.js';
import { runExperiment } from '../../../simulator/experiment/experiment.js';
import type { ExperimentProgress } from '../../../simulator/experiment/options.js';
import { World } from '../../../simulator/world.js';

const played = (written: Record<string, string>) => runExperiment(experimentOptions(written));

describe('the cluster that is played', () => {
  test('is the mesh that a user would have, where nothing comes twice', () => {
    const result = played({ peers: '8', writes: '16' });
    expect(result).toMatchObject({ links: 28, redundancy: 0, prunes: 0, hops: { mean: 1, most: 1 } });
    expect(reportText(result)).toMatch(/^8 peers in a mesh of 28 links, 16 writes;/);
  });

  test('is a mesh up to gossip.meshPeers and one more peers, unless --degree is given', () => {
    const degreeOf = (written: Record<string, string>) => experimentOptions(written).degree;
    expect(degreeOf({ peers: '51' })).toBe('mesh');
    expect(degreeOf({ peers: '52' })).toBe(5);
    expect(degreeOf({ peers: '51', degree: '7' })).toBe(7);
    expect(reportText(played({ peers: '8', writes: '2', degree: '3' }))).toMatch(
      /^8 peers in a random graph of 12 links, 3 a peer on average, 2 writes;/,
    );
  });
});

describe('redundancy', () => {
  const graph = { peers: '16', degree: '6', writes: '20' };

  test('is told apart for writes whose trees have grown', () => {
    const result = played({ ...graph, writers: '2' });
    expect(result.grown.writes).toBe(10);
    expect(result.grown.redundancy).toBeLessThan(0.1);
    expect(result.redundancy).toBeGreaterThan(0.5);
    expect(reportText(result)).toMatch(
      /grown trees +0\.0\d: of the 10 writes before which their peers had made 5/,
    );
  });

  test('is explained where no tree has grown', () => {
    const result = played(graph);
    expect(result.grown).toEqual({ writes: 0, redundancy: null });
    expect(reportText(result)).toContain('no peer wrote more than 5 times, so no tree has grown');
  });
});

test('a crash costs no disks of peers that do not crash: only who comes back announces', () => {
  const announced = ({ messages }: ReturnType<typeof played>): number => messages['members'] ?? 0;
  const [few, all] = [
    played({ peers: '10', crash: '10', writes: '5' }),
    played({ peers: '10', crash: '100', writes: '5' }),
  ];
  expect(announced(few)).toBeGreaterThan(0);
  expect(announced(few)).toBeLessThan(announced(all) / 4);
  expect(few.convergenceMs).not.toBeNull();
});

test('what a member has announced is held once in a whole world, however many have heard it', () => {
  const world = new World(1);
  addMesh(world, 4, () => ({ durable: true, settings: measured(world, { kind: 'tree' }) }));
  world.peers[0]?.set('key', 'value');
  world.run(12_000);
  const [first, ...others] = world.peers.slice(1);
  const subject = world.peers[0]?.replica.core.self.peer;
  const heldBy = (peer = first) => [...(peer?.replica.members.all() ?? [])].find((r) => r.peer === subject);
  expect(heldBy()?.vectors[0]?.[1].count()).toBe(1);
  for (const other of others) expect(heldBy(other)?.vectors).toBe(heldBy()?.vectors);
});

describe('progress', () => {
  test('rises over the whole run and says what is going on', () => {
    const seen: ExperimentProgress[] = [];
    runExperiment(experimentOptions({ peers: '4', writes: '4', crash: '25' }), (now) => seen.push(now));
    const shares = seen.map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect([...new Set(seen.map(({ stage }) => stage))]).toEqual(['forming', 'writing', 'settling']);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    expect(new Set(shares).size).toBeGreaterThan(100);
  });

  test('is told with the time that is left, where that is known', () => {
    expect(progressText({ stage: 'writing', share: 0.432, virtualMs: 13_940 }, 10)).toBe(
      '43.2%, writes and faults, at 13.9 s of virtual time, 14 s left',
    );
    expect(progressText({ stage: 'forming', share: 0.05, virtualMs: 5000 }, 2)).toBe(
      '5.0%, the cluster forms, at 5.0 s of virtual time',
    );
  });
});

describe('on a terminal', () => {
  const { stderr } = process;
  const former = stderr.isTTY;
  let written = '';

  beforeEach(() => {
    written = '';
    stderr.isTTY = true;
    jest.spyOn(stderr, 'write').mockImplementation((text) => Boolean((written += String(text))));
  });

  afterEach(() => {
    jest.restoreAllMocks();
    stderr.isTTY = former;
  });

  test('progress changes nothing that a Ctrl-C would leave changed', () => {
    const progress = new Progress({ label: 'import', total: 10 });
    progress.update(5, 5);
    new TerminalLine('simulate').show(() => 'half of it');
    expect(written).toContain('half of it');
    expect(written).toContain('import');
    // The cursor is hidden by [?25l, the wrapping of lines ended by [?7l.
    expect(written).not.toMatch(/\[\?(25|7)l/);
    progress.end();
  });
});

test('help tells the range of every number', async () => {
  const help = (await helpText('simulate')).replaceAll(/\s+/g, ' ');
  for (const range of ['2 to 10000', '1 to 64', '0 to 90', '0 to 100', 'up to 60m', '1 to 10000'])
    expect(help).toContain(range);
  expect(help).toContain('a mesh up to 51 peers, else 5');
});
