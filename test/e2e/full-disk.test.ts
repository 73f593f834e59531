import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'socket.io-client';
import { eventually } from '../tools/eventually.js';
import { Cluster, type PeerProcess } from '../tools/peer-process.js';
import { SmallDisk } from '../tools/small-disk.js';
import { type Ack, call, next } from '../tools/socket-client.js';

const VALUE = 'x'.repeat(20_000);

let cluster: Cluster;
let disk: SmallDisk | undefined;
beforeEach(() => {
  cluster = new Cluster();
  disk = SmallDisk.mount(8);
});
afterEach(async () => {
  await cluster.stop();
  disk?.unmount();
});

/** Writes one key after the other until that fails. */
async function writeUntilRefused(
  socket: Socket,
  prefix: string,
): Promise<{ written: string[]; refusal: Ack }> {
  const written: string[] = [];
  for (;;) {
    const key = `${prefix}${written.length}`;
    const ack = await call(socket, 'set', key, VALUE);
    if (!ack.ok) return { written, refusal: ack };
    written.push(key);
  }
}

const keysOf = async (peer: PeerProcess): Promise<string[]> =>
  ((await peer.value('keys')) as string[]).sort();

/** Fills the disk of a lone peer, frees it again, and counts. @param room more, and less: what is done to its disk */
async function survives(peer: PeerProcess, room: { less(): void; more(): void }): Promise<void> {
  await peer.start();
  const socket = await peer.socket();
  await call(socket, 'watch', {});
  const ended = next(socket, 'failed');
  room.less();
  const { written, refusal } = await writeUntilRefused(socket, 'a');
  expect(refusal.error).toMatchObject({ code: 'DISK_FULL', retryable: true });
  expect(written.length).toBeGreaterThan(0);
  expect(await ended).toMatchObject({
    event: 'watch',
    error: { code: 'DISK_FULL', hint: expect.stringContaining('watch again') },
  });
  room.more();
  const again = await eventually('it takes writes again', async () => {
    const ack = await call(socket, 'set', 'again', 1);
    return ack.ok;
  });
  expect([again, socket.connected]).toEqual([true, true]);
  expect(peer.log).toContain('"event":"disk-full"');
  expect(peer.log).toContain('"event":"disk-resumed"');
  // Nobody else has what was refused: it is gone, and everything else is there, also after a crash.
  expect(await keysOf(peer)).toEqual([...written, 'again'].sort());
  await peer.kill('SIGKILL');
  await peer.start();
  expect(await keysOf(peer)).toEqual([...written, 'again'].sort());
}

describe('a disk that is full', () => {
  test('and gets room again: the same process goes on, with all that was acknowledged and nothing else', async () => {
    if (!disk) return survivesFileLimit();
    const small = disk;
    const peer = cluster.configure('one', { port: 0, dataDir: `${small.path}/data` });
    await survives(peer, { less: () => small.fill(400_000), more: () => small.release() });
    // Nor was a write of lmdb's let to fail, after which it may spoil its memory.
    expect(peer.log).not.toContain('page at position');
    expect(peer.log).not.toContain('lmdb');
  });

  test('can be read and tells why it cannot be written, also by a peer that is started on it', async () => {
    if (!disk) return;
    const peer = cluster.configure('one', { port: 0, dataDir: `${disk.path}/data` });
    await peer.start();
    disk.fill(400_000);
    const { written } = await writeUntilRefused(await peer.socket(), 'a');
    disk.fill(0);
    const isFull = async (): Promise<void> => {
      await eventually('it can be read', async () => (await call(await peer.socket(), 'get', 'a0')).ok);
      expect(await keysOf(peer)).toEqual(written.sort());
      const { readOnly, disk: state, inSync } = await peer.status();
      expect({ readOnly, inSync, ...state }).toMatchObject({
        readOnly: true,
        inSync: false,
        state: 'full',
        code: 'DISK_FULL',
        message: expect.stringContaining('no room'),
        since: expect.any(Number),
        damagedRows: 0,
      });
      expect(state?.fileBytes).toBeGreaterThan(written.length * VALUE.length);
      const refused = performance.now();
      expect((await peer.call('set', 'b', 1)).error).toMatchObject({ code: 'DISK_FULL' });
      expect((await peer.call('addPeer', 'localhost:1')).error).toMatchObject({ code: 'DISK_FULL' });
      expect(performance.now() - refused).toBeLessThan(1000);
    };
    await isFull();
    await peer.kill('SIGKILL');
    disk.fill(0);
    await peer.start();
    await isFull();
    disk.release();
    await eventually('it takes writes again', async () => (await peer.call('set', 'b', 1)).ok);
    const { readOnly, disk: state } = await peer.status();
    expect([readOnly, state?.state]).toEqual([false, 'ok']);
    expect(await peer.kill('SIGTERM')).toBe(0);
  });

  /** Where nobody may mount: a bound for the size of files, which can be lifted. */
  async function survivesFileLimit(): Promise<void> {
    const peer = cluster.configure('one', { port: 0 });
    peer.launcher = ['bash', '-c', 'ulimit -S -f 1000; exec "$@"', 'peer'];
    const more = (): void => {
      execFileSync('prlimit', ['--pid', String(peer.pid), '--fsize=unlimited']);
    };
    await survives(peer, { less: () => undefined, more });
  }
});

describe('a disk that is full, in a cluster', () => {
  test('keeps no link, and gets from the others what it missed', async () => {
    if (!disk) return;
    const two = await cluster.start('two', { port: 0 });
    const one = await cluster.start('one', { port: 0, dataDir: `${disk.path}/data`, peers: [two.url] });
    await one.connected(1);
    disk.fill(400_000);
    const { written } = await writeUntilRefused(await one.socket(), 'a');
    await eventually('the link is closed', async () => {
      const peers = await two.getPeers();
      return peers.every(({ state }) => state !== 'connected');
    });
    await two.set('meanwhile', 1);
    disk.release();
    await eventually('it has what it missed', async () => (await one.get('meanwhile')) === 1);
    await cluster.converged();
    // The refused write may have got to the other one before: then it is acknowledged by nobody and yet there.
    expect(await keysOf(one)).toEqual(expect.arrayContaining([...written, 'meanwhile']));
    expect(one.log).not.toContain('disk-failed');
  });
});
