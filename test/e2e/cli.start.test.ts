import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../tools/eventually.js';
import { cli, Cluster } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let cluster: Cluster;
/** Process groups to end, whatever happened. */
let groups: ChildProcess[];

beforeEach(() => {
  cluster = new Cluster();
  groups = [];
});

afterEach(async () => {
  for (const { pid, exitCode, signalCode } of groups) {
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  }
  await cluster.stop();
});

/** A program in a process group of its own, as a shell starts it. */
function inGroup(args: readonly string[]): {
  child: ChildProcess;
  output: () => string;
  end: Promise<unknown[]>;
} {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  groups.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return { child, output: () => output, end: once(child, 'close') };
}

/** Whether a thread has spent a quarter of a second in the kernel. */
const spends = (stat: string): boolean => Number(readFileSync(stat, 'utf8').split(' ')[14]) > 25;

describe('start', () => {
  test('prints one line on stdout, also as JSON, with the port that the system chose', async () => {
    const peer = cluster.configure('one', { port: 0 });
    const { child, output, end } = inGroup(['cli.js', peer.config, 'start', '--json']);
    const ready = await eventually('it is ready', () =>
      output()
        .split('\n')
        .find((line) => line.includes('"ready"')),
    );
    expect(JSON.parse(ready ?? '')).toEqual({
      ready: true,
      name: 'one',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      id: expect.stringMatching(/^[\w-]{21}$/),
    });
    expect(await peer.cli('get', 'k')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/port 0.*--url/),
    });
    child.kill('SIGTERM');
    expect(await end).toEqual([0, null]);
  });

  test('a Ctrl-C that arrives twice, as through npm, still ends cleanly', async () => {
    const peer = cluster.configure('one', { port: 0 });
    const { child, output, end } = inGroup(['cli.js', peer.config, 'start']);
    await eventually('it is ready', () => output().includes('ready one '));
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await end).toEqual([0, null]);
  });

  test('a file system that never answers does not hold it when it is told to end', async () => {
    // In /proc no folder can be made, and Node.js tries for ever.
    const peer = cluster.configure('one', { port: 0, dataDir: '/proc/rumeur' });
    const { child, end } = inGroup(['cli.js', peer.config, 'start']);
    const opening = `/proc/${String(child.pid)}/task`;
    await eventually('it is at it', () =>
      readdirSync(opening).some((task) => spends(`${opening}/${task}/stat`)),
    );
    child.kill('SIGTERM');
    expect(await end).toEqual([4, null]);
  });

  test('refuses a data directory or a port that is in use, and a wrong config', async () => {
    const [port = 0] = await freePorts(1);
    const one = await cluster.start('one', { port });
    expect(await one.cli('start')).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining('(IN_USE)'),
    });
    const two = cluster.configure('two', { port });
    expect(await two.cli('start')).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining('(IN_USE)'),
    });
    const wrong = join(cluster.folder, 'wrong.json');
    writeFileSync(wrong, '{ "port": "x", "hots": "y" }');
    const { code, stdout, stderr } = await cli([wrong, 'start']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/wrong\.json: 2 problems \(CONFIG_INVALID\); /),
      expect.stringMatching(/^ {2}port: found "x"/),
      expect.stringMatching(/^ {2}hots: unknown field; did you mean host\?/),
      '',
    ]);
  });
});

describe('npm start', () => {
  const START = join('scripts', 'start.mjs');

  test('runs several peers, says when they are connected, and ends all when the terminal signals the group', async () => {
    const ports = await freePorts(3);
    const peers = ports.map((port, i) =>
      cluster.configure(`p${i}`, { port, peers: ports.filter((other) => other !== port) }),
    );
    const { child, output, end } = inGroup([START, ...peers.map(({ config }) => config)]);
    await eventually('they are connected', () => output().includes('all 3 peers are connected'), {
      withinMs: 60_000,
    });
    for (const name of ['p0', 'p1', 'p2']) expect(output()).toContain(`${name} | ready ${name} `);
    expect(output()).toContain('node cli.js p0 set Ville Lyon');
    expect((await peers[0]?.cli('set', 'Ville', 'Lyon'))?.code).toBe(0);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await end).toEqual([0, null]);
    for (const peer of peers) expect((await peer.cli('get', 'Ville')).code).toBe(3);
    // Closed cleanly: the next start does not complain.
    await peers[0]?.start();
    expect(peers[0]?.log).not.toContain('not closed cleanly');
    expect(await peers[0]?.get('Ville')).toBe('Lyon');
  }, 90_000);

  test('one that cannot start ends all, with its error and exit 1', async () => {
    const [free = 0, taken = 0] = await freePorts(2);
    await cluster.start('holder', { port: taken });
    const fine = cluster.configure('fine', { port: free });
    const broken = cluster.configure('broken', { port: taken });
    const { output, end } = inGroup([START, fine.config, broken.config]);
    expect(await end).toEqual([1, null]);
    expect(output()).toMatch(/broken \| rumeur: .*IN_USE/);
    expect(output()).toContain('broken ended with exit code 4; stopping the others');
    expect((await fine.cli('status')).code).toBe(3);
  }, 90_000);

  test('a config that does not exist', async () => {
    const { output, end } = inGroup([START, 'nowhere']);
    expect(await end).toEqual([2, null]);
    expect(output()).toContain('no config "nowhere"');
  }, 90_000);
});
