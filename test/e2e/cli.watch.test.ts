import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually } from '../tools/eventually.js';
import { Cluster, type PeerProcess } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

const CLI = fileURLToPath(new URL('../../cli.js', import.meta.url));

let cluster: Cluster;
let peer: PeerProcess;
let watching: ChildProcess | undefined;

beforeEach(async () => {
  cluster = new Cluster();
  const [port = 0] = await freePorts(1);
  peer = await cluster.start('one', { port });
});

afterEach(async () => {
  watching?.kill('SIGKILL');
  await cluster.stop();
});

async function watch(...args: string[]) {
  const child = spawn(process.execPath, [CLI, peer.config, 'watch', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  watching = child;
  const seen = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (seen.err += text));
  await eventually('it watches', () => seen.err.includes('watching '));
  return { child, seen };
}

test('prints a change a line, of the prefix only, until interrupted', async () => {
  const { child, seen } = await watch('V');
  await peer.set('Ville', 'Lyon');
  await peer.set('other', 1);
  await peer.value('set', 'Vitesse', '1.10', { raw: true });
  await peer.value('delete', 'Ville');
  await eventually('all are seen', () => seen.out.split('\n').length === 4);
  expect(seen.out).toBe('set Ville "Lyon"\nset Vitesse 1.10\ndelete Ville\n');
  const closed = once(child, 'close');
  child.kill('SIGINT');
  expect(await closed).toEqual([0, null]);
});

test('connects again when the peer comes back, and says so', async () => {
  const { seen } = await watch('--json');
  await peer.set('before', 1);
  await eventually('it is seen', () => seen.out.includes('"before"'));
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    seen.err = '';
    await peer.kill(signal);
    await eventually('the loss is told', () => seen.err.includes('lost the connection'));
    await peer.start();
    await eventually('it watches again', () => /connected to .* again[^]*watching all keys/.test(seen.err));
    await peer.set(`after ${signal}`, 2);
    await eventually('it is seen', () => seen.out.includes(`after ${signal}`));
  }
  const changes = seen.out.trim().split('\n');
  expect(changes).toHaveLength(3);
  expect(JSON.parse(changes[2] ?? '')).toEqual({
    bucket: 'default',
    key: 'after SIGKILL',
    value: 2,
    dot: expect.stringMatching(/\.\d+$/),
    stamp: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});
