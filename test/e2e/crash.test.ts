import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cpSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '../tools/eventually.js';
import { Cluster } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';
import { kill } from '../torture/kill/part.js';
import { runSmall, unexpectedIn } from '../torture/small.js';

describe('crashes and lost, restored and copied stores', () => {
  let cluster: Cluster;
  beforeEach(() => {
    cluster = new Cluster();
  });
  afterEach(() => cluster.stop());

  test('20 deaths under load, as in docs/TORTURE.md: each disk and in the end each peer has what was acknowledged', async () => {
    const results = await runSmall(
      (context) => kill.open(context, 20),
      (cases) => cases,
    );
    expect(unexpectedIn(kill, results)).toEqual([]);
    expect(results).toHaveLength(20);
  }, 120_000);

  test('a wiped peer gets everything back, and its new writes spread under a new origin', async () => {
    const [p1 = 0, p2 = 0] = await freePorts(2);
    const one = await cluster.start('one', { port: p1, peers: [p2] });
    const two = await cluster.start('two', { port: p2, peers: [p1] });
    const { dot: first } = await two.set('before', 1);
    await eventually('one has it', async () => (await one.get('before')) === 1);
    await two.kill('SIGKILL');
    rmSync(two.dataDir, { recursive: true });
    await two.start();
    await eventually('it is back', async () => (await two.get('before')) === 1);
    const { dot: second } = await two.set('after', 2);
    await eventually('it spreads', async () => (await one.get('after')) === 2);
    expect(originOf(second)).not.toBe(originOf(first));
    await cluster.converged();
  });

  test.each([
    ['after a clean end', 'SIGTERM'],
    ['after a crash', 'SIGKILL'],
  ] as const)('an older copy put back over the files (cp -p) %s uses no dot twice', async (_name, signal) => {
    const [p1 = 0, p2 = 0] = await freePorts(2);
    const one = await cluster.start('one', { port: p1, peers: [p2] });
    const two = await cluster.start('two', { port: p2, peers: [p1] });
    await two.set('kept', 'old');
    await two.kill(signal);
    const backup = join(cluster.folder, 'backup');
    execFileSync('cp', ['-rp', two.dataDir, backup]);

    await two.start();
    const { dot: lost } = await two.set('since', 'the copy');
    await eventually('one has it', async () => (await one.get('since')) === 'the copy');
    await two.kill(signal);
    execFileSync('sh', ['-c', `cp -p "${backup}"/* "${two.dataDir}"/`]);

    await two.start();
    const { dot: next } = await two.set('next', 'write');
    expect(originOf(next)).not.toBe(originOf(lost));
    await eventually('what was lost is back', async () => (await two.get('since')) === 'the copy');
    await eventually('the next write spreads', async () => (await one.get('next')) === 'write');
    await cluster.converged();
    expect(divergences(cluster)).toBe(0);
  });

  test('a copied data directory that runs beside its original is a peer of its own', async () => {
    const one = await cluster.start('one', { port: 0 });
    await one.set('k', 'original');
    await one.kill('SIGTERM');
    const copy = cluster.configure('copy', { port: 0, peers: [] });
    cpSync(one.dataDir, copy.dataDir, { recursive: true, preserveTimestamps: true });
    await one.start();
    await copy.start();
    expect(copy.id).not.toBe(one.id);
    const [{ dot: a }, { dot: b }] = await Promise.all([one.set('from', 'one'), copy.set('from', 'copy')]);
    expect(originOf(a)).not.toBe(originOf(b));
    await copy.value('addPeer', one.url);
    await cluster.converged();
    expect(await one.get('from')).toBe(await copy.get('from'));
    expect(divergences(cluster)).toBe(0);
  });

  test('a second process on one data directory is refused; kill -9 leaves no stale lock', async () => {
    const one = await cluster.start('one', { port: 0 });
    const second = cluster.configure('second', { port: 0, dataDir: one.dataDir });
    const refused = await second.cli('start');
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/IN_USE/);
    await one.kill('SIGKILL');
    await one.start();
  });
});

const originOf = (dot: string): string => dot.slice(0, 21);

const divergences = (cluster: Cluster): number =>
  cluster.peers.filter(({ log }) => log.includes('"event":"divergence"')).length;
